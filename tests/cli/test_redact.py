"""`--redact`: what the command writes, what it keeps, and what it refuses."""

import json
import re
import stat
from pathlib import Path

import pytest

from pgadvisor.cli.options import Format
from pgadvisor.cli.redaction import DEFAULT_KEY
from tests.cli.run import assert_refused, pgadvisor

QUERIES = """-- name: find alice
SELECT * FROM customer_accounts ca WHERE lower(ca.email_address) = 'alice@example.com' AND paycard = 4111111111111111
  AND note LIKE '%secretnote%' OFFSET 5000; -- ask Bob
SELECT id FROM invoices i, customer_accounts c WHERE i.amount > 98765.43;
"""
PRIVATE = r"alice|customer|accounts|email_add|411111|secretnote|invoices|98765\.43|paycard|ask bob|private-queries"


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """A file of statements that tell on people."""
    path = tmp_path / "private-queries.sql"
    path.write_text(QUERIES)
    return path


@pytest.mark.parametrize("form", [form.value for form in Format if form is not Format.PDF])
def test_nothing_private_is_in_what_is_written_nor_on_the_terminal(queries: Path, form: str) -> None:
    report = queries.parent / "report"
    done = pgadvisor(
        "query", "-f", queries, "--redact", "--format", form, "-o", report, folder=queries.parent
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not re.findall(PRIVATE, report.read_text() + done.stdout + done.stderr, re.IGNORECASE)
    plain = pgadvisor("query", "-f", queries, "--format", form, folder=queries.parent)
    assert re.findall(PRIVATE, plain.stdout, re.IGNORECASE)


def test_the_key_is_private_kept_and_extended(queries: Path) -> None:
    key = queries.parent / DEFAULT_KEY
    first = pgadvisor("query", "-f", queries, "--redact", "--format", "json", folder=queries.parent)
    assert DEFAULT_KEY.name in first.stderr
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = json.loads(key.read_text())
    assert "customer_accounts" in before["names"].values() and list(before["names"]) == sorted(before["names"])
    key.chmod(0o644)
    more = pgadvisor("query", "SELECT * FROM suppliers", "--redact-key", key, folder=queries.parent)
    assert more.returncode == 0 and "suppliers" not in more.stdout
    after = json.loads(key.read_text())
    assert after["secret"] == before["secret"] and before["names"].items() < after["names"].items()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = pgadvisor("query", "-f", queries, "--redact", "--format", "json", folder=queries.parent)
    assert json.loads(again.stdout)["findings"] == json.loads(first.stdout)["findings"] != []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"secret": "ab"}', '{"secret": "zz", "names": {}}', "\x00\xff"])
def test_a_file_that_is_no_key_is_left_alone(queries: Path, content: str) -> None:
    other = queries.parent / "notes.json"
    other.write_text(content, encoding="latin-1")
    done = pgadvisor("query", "-f", queries, "--redact-key", other)
    assert_refused(done, "notes.json is not a key of pgadvisor", "--redact-key")
    assert other.read_text(encoding="latin-1") == content


def test_the_report_may_not_be_its_own_key(queries: Path) -> None:
    path = queries.parent / "report.json"
    assert_refused(pgadvisor("query", "-f", queries, "--redact-key", path, "-o", path), "the report and the key")


def test_the_reports_say_that_they_are_redacted(queries: Path) -> None:
    for form, words in (("text", "names and literals are pseudonyms"), ("json", '"is_redacted": true')):
        done = pgadvisor("query", "-f", queries, "--redact", "--format", form, folder=queries.parent)
        assert words in " ".join(done.stdout.split())
        plain = pgadvisor("query", "-f", queries, "--format", form, folder=queries.parent)
        assert words not in " ".join(plain.stdout.split())


def test_an_error_quotes_no_name_either(queries: Path) -> None:
    queries.write_text("SELECT 1 FROM customer_accounts; SELEC secretnote FROM invoices;")
    done = pgadvisor("query", "-f", queries, "--redact", folder=queries.parent)
    assert done.returncode == 2 and "not all statements" in done.stderr
    assert not re.findall(PRIVATE, done.stdout + done.stderr, re.IGNORECASE)


def test_a_redacted_report_has_the_same_known_findings_and_exit_code(queries: Path) -> None:
    asked = ("query", "-f", queries, "--fail-on", "info", "--format", "json", "-q")
    plain = pgadvisor(*asked, folder=queries.parent)
    assert plain.returncode == 1
    (queries.parent / "plain.json").write_text(plain.stdout)
    known = queries.parent / "known.json"
    assert pgadvisor("baseline", queries.parent / "plain.json", "-o", known).returncode == 0
    for more in ((), ("--redact",)):
        done = pgadvisor(*asked, "--baseline", known, *more, folder=queries.parent)
        assert done.returncode == 0, done.stderr
        assert {each["status"] for each in json.loads(done.stdout)["findings"]} == {"known"}


def test_a_utility_statement_is_no_failure_when_redacted(queries: Path) -> None:
    queries.write_text("SET application_name = 'customer'; SELECT id FROM invoices;")
    done = pgadvisor("query", "-f", queries, "--redact", "-q", folder=queries.parent)
    assert done.returncode == 0, done.stderr
    assert not re.findall(PRIVATE, done.stdout, re.IGNORECASE)
