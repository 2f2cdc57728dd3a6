"""Locks, rewrites and scans of labelled cases, as they were measured by hand on PostgreSQL 15."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pgadvisor.model.migration import MigrationStatement
from pgadvisor.model.trace import Traced
from tests.fix_servers import Server
from tests.gate.tracing import migration, past, statements, traced

_HERE = Path(__file__).parent
_CASES = [json.loads(line) for line in (_HERE / "trace_cases.jsonl").read_text("utf-8").splitlines()]
_IS_ALONE = {"lock": "not transactional"}
_BOUNDS = ("BEGIN", "COMMIT")


def _bare(name: str) -> str:
    return name.partition(".")[2]


def _told(each: Traced, *, is_held: bool) -> dict[str, Any]:
    """As the cases tell it: locks held in a transaction of several statements, else those taken."""
    if each.error is not None:
        return {"error": each.error.message}
    locks = {_bare(lock.relation): lock.mode if is_held else lock.taken for lock in each.locks}
    return {
        "locks": {name: mode for name, mode in locks.items() if mode is not None},
        "rewritten": sorted(map(_bare, each.rewritten)),
        "scanned": sorted(map(_bare, each.scanned)),
    }


@pytest.mark.parametrize("which", ["debian15", "server"])
def test_cases_are_traced_as_they_were_measured(request: pytest.FixtureRequest, which: str) -> None:
    """All in one database: each case is rolled back, but for those that no transaction can hold, which come last."""
    server: Server = request.getfixturevalue(which)
    schema = (_HERE / "trace_schema.sql").read_text("utf-8")
    cases = sorted(_CASES, key=lambda case: _IS_ALONE in case["truth"])
    back = MigrationStatement(text="ROLLBACK", line=9)
    judged = []
    for case in cases:
        is_alone = _IS_ALONE in case["truth"]
        own = migration(case["sql"], name=case["id"], in_transaction=not is_alone)
        up = [each for each in own.up if each.text not in _BOUNDS]
        judged.append(msgspec.structs.replace(own, up=tuple(up if is_alone else [*up, back])))
    found = traced(server, past(schema), *judged)
    assert not found.gaps
    for case in cases:
        steps = [each for each in found.statements if each.migration == case["id"] and each.line < 9]
        is_held = "BEGIN" in case["sql"]
        for each, truth in zip(steps, case["truth"], strict=True):
            assert each.not_run is None, case["id"]
            if truth == _IS_ALONE:
                assert not each.in_transaction
                assert [(lock.relation, lock.mode) for lock in each.locks] == [
                    ("public.users", "ShareUpdateExclusiveLock")
                ], case["id"]
            else:
                assert _told(each, is_held=is_held) == {**truth, **_sorted(truth)}, case["id"]


def _sorted(truth: dict[str, Any]) -> dict[str, Any]:
    return {"scanned": sorted(truth["scanned"])} if "scanned" in truth else {}


def test_the_cases_are_read_whole() -> None:
    assert len(_CASES) == 35
    assert statements("SELECT 1;\nSELECT 2")[1].line == 2
