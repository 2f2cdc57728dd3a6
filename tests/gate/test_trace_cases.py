"""Locks, rewrites and scans of labelled cases, as they were measured by hand on PostgreSQL 15."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pgadvisor.gate.steps import steps_of
from pgadvisor.locks.modes import MODES, LockMode, mode_of, stronger
from pgadvisor.migration_facts import MigrationStep
from pgadvisor.model.migration import MigrationStatement
from pgadvisor.model.trace import Traced
from tests.fix_servers import Server
from tests.gate.tracing import migration, past, traced

_HERE = Path(__file__).parent
_CASES = [json.loads(line) for line in (_HERE / "trace_cases.jsonl").read_text("utf-8").splitlines()]
_IS_ALONE = {"lock": "not transactional"}
_BOUNDS = ("BEGIN", "COMMIT")
_STRONG = frozenset(MODES[MODES.index("SHARE UPDATE EXCLUSIVE") :])
_BACK = 99
"""The line of the ROLLBACK after a case."""


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


@pytest.fixture(params=["debian15", "server"])
def one_server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def _schema() -> str:
    return (_HERE / "trace_schema.sql").read_text("utf-8")


def test_cases_are_traced_as_they_were_measured(one_server: Server) -> None:
    """All in one database: each case is rolled back."""
    cases = [case for case in _CASES if _IS_ALONE not in case["truth"]]
    judged = []
    for case in cases:
        own = migration(case["sql"], name=case["id"])
        kept = (each for each in own.up if each.text not in _BOUNDS)
        judged.append(msgspec.structs.replace(own, up=(*kept, MigrationStatement(text="ROLLBACK", line=_BACK))))
    found = traced(one_server, past(_schema()), *judged)
    assert not found.gaps
    for case in cases:
        steps = [each for each in found.statements if each.migration == case["id"] and each.line < _BACK]
        expected = steps_of((past(_schema()), migration(case["sql"])), version=one_server.version_num // 10_000)
        for each, truth in zip(steps, case["truth"], strict=True):
            static = _expected(step for step in expected if step.statement.line == each.line)
            assert each.error or _taken(each) == static, "the table of locks agrees with the trace"
            assert each.not_run is None, case["id"]
            assert _told(each, is_held="BEGIN" in case["sql"]) == {**truth, **_as_told(truth)}, case["id"]


def test_what_no_transaction_can_hold_is_watched_while_it_runs(one_server: Server) -> None:
    cases = [case for case in _CASES if _IS_ALONE in case["truth"]]
    judged = [migration(case["sql"], name=case["id"], in_transaction=False) for case in cases]
    found = traced(one_server, past(_schema()), *judged)
    for each in found.statements:
        assert (each.error, each.not_run, each.in_transaction) == (None, None, False), each.migration
        locks = [(lock.relation, lock.mode) for lock in each.locks]
        assert locks == [("public.users", "SHARE UPDATE EXCLUSIVE")], each.migration
        (own,) = (one for one in judged if one.name == each.migration)
        assert _taken(each) == _expected(steps_of((past(_schema()), own), version=one_server.version_num // 10_000))
    assert len(found.statements) == len(cases) == 4


def _expected(steps: Iterable[MigrationStep]) -> dict[str, LockMode | None]:
    """The locks on tables that keep writers or other DDL out, as the table of locks has them."""
    found: dict[str, LockMode | None] = {}
    for each in steps:
        effect = each.effect
        own = [(effect.table, effect.lock)] if effect.table and effect.lock and not effect.is_on_index else []
        for table, mode in (*own, *((other.table, other.mode) for other in effect.others)):
            found[table] = stronger(found.get(table), mode)
    return {table: mode for table, mode in found.items() if mode in _STRONG}


def _taken(each: Traced) -> dict[str, LockMode | None]:
    """The same, as they were seen to be taken."""
    locks = {lock.relation: lock.taken for lock in each.locks if lock.kind != "index"}
    return {table: mode for table, mode in locks.items() if mode in _STRONG}


def _as_told(truth: dict[str, Any]) -> dict[str, Any]:
    if "locks" not in truth:
        return {}
    return {
        "scanned": sorted(truth["scanned"]),
        "locks": {each: mode_of(mode) for each, mode in truth["locks"].items()},
    }


def test_the_cases_are_read_whole() -> None:
    assert len(_CASES) == 35
