"""Migrations in their safe form: each statement that a finding has SQL for, replaced by that SQL."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.record import Record
from pgadvisor.rule import Rule, table_sql
from pgadvisor.sql.splitter import split_statements

ROUNDS = 4
"""A safe form may itself want a timeout, and an index beside its foreign key; after that nothing new comes."""
FRAMEWORKS = ("alembic", "django")
"""Their migrations are Python, whose operations make the statements."""
SENT_ONE_BY_ONE = ("goose", "flyway")
"""Tools that send each statement by itself once they are told to open no transaction for a file."""
Silenced = Collection[tuple[str, str, int]]
"""Rule, file and line of findings that someone took upon himself."""
_ALONE = re.compile(r"\b(?:CONCURRENTLY|VALIDATE\s+CONSTRAINT|ADD\s+VALUE)\b|\A\s*VACUUM\b", re.IGNORECASE)
_CONCURRENT = re.compile(r"\A(?:CREATE|DROP|REINDEX)\b.*\bCONCURRENTLY\b", re.IGNORECASE | re.DOTALL)
_COMMITS = re.compile(r"\A\s*DO\b.*\bCOMMIT\b", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"\A\s*(?:BEGIN|COMMIT)\s*\Z", re.IGNORECASE)


class FixedStatement(Record):
    """What became of one statement of a migration."""

    origin: int
    """Its number among those of the migration as it was."""
    lines: tuple[str, ...]
    """Statements without `;`; empty: it goes."""
    is_apart: bool
    """They run outside the transaction that the old one ran in, each by itself."""


class FixedMigration(Record):
    """A migration with its changed statements, in their order."""

    before: Migration
    after: Migration
    changes: tuple[FixedStatement, ...]


class _Remedy(NamedTuple):
    """What takes the place of a statement."""

    lines: tuple[str, ...]
    is_in_own_transaction: bool
    """Whether the old one stands behind a BEGIN of the migration's own."""


class _Line(NamedTuple):
    """A statement of the migration as it is becoming."""

    origin: int
    statement: MigrationStatement
    is_changed: bool = False
    is_apart: bool = False


def fixed(
    migrations: Sequence[Migration], rules: Sequence[Rule], gate: GateFacts, silenced: Silenced = ()
) -> tuple[FixedMigration, ...]:
    """The judged migrations that change. What has no SQL, or cannot be told apart, stays as it was."""
    lines = {number: [_Line(at, each) for at, each in enumerate(migration.up)]
             for number, migration in enumerate(migrations)}  # fmt: skip
    now = tuple(migrations)
    for _ in range(ROUNDS):
        remedies = _remedies(now, rules, gate, silenced)
        changed = {number: found for number in lines if (found := remedies.get(now[number].file))}
        if not changed:
            break
        for number, found in changed.items():
            lines[number] = _tidy(_replaced(lines[number], found, now[number]))
        now = tuple(replace(each, up=_statements(lines[number])) for number, each in enumerate(now))
    return tuple(
        FixedMigration(before=migrations[number], after=now[number], changes=_changes(own, len(migrations[number].up)))
        for number, own in lines.items()
        if any(line.is_changed for line in own)
    )


def _statements(lines: Sequence[_Line]) -> tuple[MigrationStatement, ...]:
    return tuple(each.statement for each in lines)


def _tidy(lines: Iterator[_Line]) -> list[_Line]:
    """Without transactions in which nothing happens, settings made twice, and CONCURRENTLY under a lock_timeout of
    ours: it waits for old transactions, blocking nobody, and given up it would leave an invalid index."""
    found: list[_Line] = []
    in_force: set[str] = set()
    for line in lines:
        if line.is_changed and line.statement.text in in_force:
            continue
        if line.is_changed and in_force and _CONCURRENT.search(line.statement.text):
            found.append(line._replace(statement=replace(line.statement, text="RESET lock_timeout")))
            in_force.clear()
        if line.is_changed:  # what the migration itself sets is its author's will
            _follow(line.statement.text, in_force)
        if found and _is(line, "COMMIT") and _is(found[-1], "BEGIN"):
            found.pop()
        else:
            found.append(line)
    return found


def _is(line: _Line, word: str) -> bool:
    return line.statement.text.strip().upper() == word


def _changes(lines: Sequence[_Line], count: int) -> tuple[FixedStatement, ...]:
    kept = {line.origin for line in lines}
    found: dict[int, list[_Line]] = {origin: [] for origin in range(count) if origin not in kept}
    for line in lines:
        if line.is_changed:
            found.setdefault(line.origin, []).append(line)
    return tuple(
        FixedStatement(
            origin=origin, lines=tuple(each.statement.text for each in own), is_apart=any(each.is_apart for each in own)
        )
        for origin, own in sorted(found.items())
    )


def _remedies(
    migrations: Sequence[Migration], rules: Sequence[Rule], gate: GateFacts, silenced: Silenced
) -> Mapping[str, Mapping[int, _Remedy]]:
    """Of each file, by the number of the statement, what takes its place."""
    snapshot = gate.facts.snapshot if gate.facts is not None else None
    steps = steps_of(migrations, version=gate.version, snapshot=snapshot)
    found: dict[str, dict[int, _Remedy]] = {}
    for own in _by_statement(steps):
        first = own[0]
        is_python = first.migration.tool in FRAMEWORKS
        if first.statement.span is None and not is_python:
            continue
        lines = _whole(own, {each.position: _worst(each, rules, gate, silenced) for each in own})
        if is_python and first.is_in_transaction:
            lines = tuple(each for each in lines if not _CONTROL.match(each))
        if lines:
            number = next(at for at, each in enumerate(first.migration.up) if each is first.statement)
            is_begun = any(each.command == "begin" for each in first.before)
            found.setdefault(first.migration.file, {})[number] = _Remedy(lines, is_begun)
    return found


def _by_statement(steps: Sequence[MigrationStep]) -> Iterator[list[MigrationStep]]:
    own: list[MigrationStep] = []
    for each in steps:
        if own and each.statement is not own[0].statement:
            yield own
            own = []
        own.append(each)
    if own:
        yield own


def _worst(step: MigrationStep, rules: Sequence[Rule], gate: GateFacts, silenced: Silenced) -> Finding | None:
    """The worst finding of the step that has SQL; a word of information changes no migration."""
    found = [
        each
        for rule in rules
        for each in findings_of(rule, [step], gate)
        if each.remedy.sql and each.severity is not Severity.INFO
        and (each.rule, each.where.file or "", each.where.line or 0) not in silenced
    ]  # fmt: skip
    return min(found, key=lambda each: each.severity.rank, default=None)


def _whole(steps: Sequence[MigrationStep], found: Mapping[int, Finding | None]) -> tuple[str, ...]:
    """What takes the place of a statement of these steps; empty where nothing can."""
    guilty = [(step, finding) for step in steps if (finding := found[step.position]) is not None]
    if not guilty or (len(steps) > 1 and _is_block(steps[0])) or any(step.step.is_conditional for step, _ in guilty):
        return ()
    text = _bare(steps[0].statement.text)
    for _, finding in guilty:
        lines = _lines(finding.remedy.sql or "")
        if len(steps) == 1 or text in (_bare(each) for each in lines):
            return () if lines == (text,) and not steps[0].is_in_transaction else lines
    if any(step.step.span is None for step in steps):
        return ()
    kept = [_cut(step) for step in steps if found[step.position] is None]
    rest = [f"ALTER TABLE {table_sql(steps[0])} {', '.join(kept)}"] if kept else []
    return tuple(dict.fromkeys((*rest, *(line for _, each in guilty for line in _lines(each.remedy.sql or "")))))


def _cut(step: MigrationStep) -> str:
    span = step.step.span
    assert span is not None
    return step.statement.text[span.start : span.end].strip()


def _is_block(step: MigrationStep) -> bool:
    return step.statement.text.lstrip()[:2].lower() == "do"


def _lines(sql: str) -> tuple[str, ...]:
    return tuple(_bare(each.text) for each in split_statements(sql))


def _bare(text: str) -> str:
    return text.strip().rstrip(";").rstrip()


def _replaced(lines: Sequence[_Line], found: Mapping[int, _Remedy], migration: Migration) -> Iterator[_Line]:
    """The lines with their replacements; one that must run outside a transaction ends it before and begins another."""
    apart = {number: _is_apart(lines[number].statement, new.lines) for number, new in found.items()}
    leaves = any(apart.values()) and (
        migration.tool == "django" or (migration.is_wrapped and migration.tool in SENT_ONE_BY_ONE)
    )
    for number, line in enumerate(lines):
        old = line.statement
        if number not in found:
            yield line._replace(statement=replace(old, is_in_transaction=False)) if leaves else line
            continue
        own = list(found[number].lines)
        if found[number].is_in_own_transaction and apart[number] and not migration.is_wrapped:
            own = ["COMMIT", *own, "BEGIN"]
        if leaves or apart[number]:
            own = [re.sub(r"\ASET LOCAL ", "SET ", each) for each in own]
        for text in own:
            made = replace(old, text=text, is_in_transaction=old.is_in_transaction and not (leaves or apart[number]))
            yield _Line(line.origin, made, is_changed=True, is_apart=line.is_apart or apart[number])


def _follow(text: str, in_force: set[str]) -> None:
    """Which settings the migration has made."""
    if text.upper().startswith("RESET"):
        in_force.clear()
    elif text.startswith("SET ") and not text.startswith("SET LOCAL "):
        in_force.add(text)


def _is_apart(old: MigrationStatement, lines: Sequence[str]) -> bool:
    """Whether they must not share a transaction: with one another, or with their neighbours."""
    if len(lines) == 1 and _bare(old.text) == lines[0]:
        return True
    return any(_ALONE.search(each) or _COMMITS.match(each) or _CONTROL.match(each) for each in lines)
