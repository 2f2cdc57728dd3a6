"""The settings file: what it may say about waivers, and what is refused."""

from datetime import date
from pathlib import Path

import pytest

from pgadvisor.cli.config import read_config
from pgadvisor.errors import UsageError
from pgadvisor.model.waiver import ListedWaiver

WAIVERS = """
require-reason = true

[[waivers]]
rule = "index-not-concurrent"
file = "db/0042_*.sql"
until = 2027-01-31
reason = "the table is empty"

[[waivers]]
key = "truncate-cascade:3f2a"
"""


def settings(folder: Path, text: str) -> Path:
    path = folder / "pgadvisor.toml"
    path.write_text(text)
    return path


def test_waivers_are_read(tmp_path: Path) -> None:
    found = read_config(settings(tmp_path, WAIVERS))
    assert found.require_reason
    assert found.waivers == (
        ListedWaiver(
            rule="index-not-concurrent", file="db/0042_*.sql", until=date(2027, 1, 31), reason="the table is empty"
        ),
        ListedWaiver(key="truncate-cascade:3f2a"),
    )


def test_without_any_there_are_none(tmp_path: Path) -> None:
    found = read_config(settings(tmp_path, 'fail-on = "warning"\n'))
    assert (found.waivers, found.require_reason) == ((), False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[waivers]]\nrule = "truncate-cascade"\n', "`table` or `key`"),
        ('[[waivers]]\nfile = "a.sql"\nuntil = "soon"\n', "until"),
        ('[[waivers]]\nfile = "a.sql"\nreasons = "x"\n', "reasons"),
        ("require-reason = 1\n", "require"),
    ],
)
def test_what_is_not_sound_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_config(settings(tmp_path, text))
