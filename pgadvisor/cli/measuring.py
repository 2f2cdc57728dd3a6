"""`--measure`: index advice really built, on a copy of the database that the user names."""

from collections.abc import Sequence

import msgspec

from pgadvisor.cli.source import snapshot_file
from pgadvisor.facts import Facts
from pgadvisor.measure.identity import Identity, identity_in, identity_of, refuse_unless_copy
from pgadvisor.measure.likeness import refuse_unless_alike
from pgadvisor.measure.measure import measure
from pgadvisor.measure.records import SLOWER, Measurement, Timed
from pgadvisor.model.advice import AdvisedIndex, IndexAdvice
from pgadvisor.model.progress import Progress
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.reports.labels import statement_label

MOST_NAMED = 3
"""Statements named in a doubt; the others are counted."""
LABEL = 60


class Copy(Record):
    """The database to measure on."""

    dsn: str
    audited: Identity | None = None
    """The one that it must not be."""


def copy_at(dsn: str, source: str | None, facts: Facts) -> Copy:
    """The copy, checked before any work is done. Raises UsageError when it is the audited database itself, or is no
    copy of it by the tables that the statements name."""
    audited = identity_of(source) if snapshot_file(source) is None else identity_in(facts.snapshot)
    refuse_unless_copy(identity_of(dsn), audited)
    named = {use.table for query in facts.queries.values() for use in query.tables()}
    refuse_unless_alike(dsn, [table for table in facts.tables if table.qualified in named])
    return Copy(dsn=dsn, audited=audited)


def measured(
    advice: IndexAdvice, copy: Copy, snapshot: Snapshot, drawn: Sequence[DrawnStatement], progress: Progress
) -> IndexAdvice:
    """The advice with the times and sizes that it really gave; as it is where there is nothing to build or drop."""
    if not advice.create and not advice.drop:
        return advice
    found = measure(
        copy.dsn,
        _timed(snapshot, drawn),
        [each.definition for each in advice.create],
        [each.sql for each in advice.drop],
        audited=copy.audited,
        search_path=snapshot.search_path,
        progress=progress,
    )
    create = tuple(_built(each, found) for each in advice.create)
    return msgspec.structs.replace(
        advice,
        create=create,
        size_bytes=sum(each.size_bytes or 0 for each in create),
        measured=found.statements,
        measured_ratio=found.ratio,
        doubts=(*advice.doubts, *_doubts(found, snapshot)),
    )


def _timed(snapshot: Snapshot, drawn: Sequence[DrawnStatement]) -> list[Timed]:
    calls = {each.key: 1.0 if each.calls is None else float(each.calls) for each in snapshot.statements}
    return [
        Timed(
            key=each.statement,
            texts=tuple((draw.text, draw.weight) for draw in each.draws),
            calls=calls[each.statement],
        )
        for each in drawn
        if each.draws
    ]


def _built(index: AdvisedIndex, found: Measurement) -> AdvisedIndex:
    built = next((each for each in found.built if each.definition == index.definition), None)
    if built is None:
        return index
    return msgspec.structs.replace(index, size_bytes=built.size_bytes, build_s=built.build_s)


def _doubts(found: Measurement, snapshot: Snapshot) -> tuple[str, ...]:
    """What was seen on the copy that speaks against the advice, or was not seen."""
    told = list(found.doubts)
    if found.slower:
        told.append(f"On the copy {_named(found.slower, snapshot)} took more than {SLOWER:g} times as long")
    if found.stopped:
        told.append(f"On the copy {_named(found.stopped, snapshot)} was stopped: it takes at least the time shown")
    if found.left_out:
        key, why = found.left_out[0]
        more = f", and {len(found.left_out) - 1:,} more" if len(found.left_out) > 1 else ""
        told.append(f"Not measured on the copy: {_named((key,), snapshot)} ({why}){more}")
    return tuple(told)


def _named(keys: Sequence[str], snapshot: Snapshot) -> str:
    by_key = {each.key: each for each in snapshot.statements}
    told = ", ".join(statement_label(by_key[key], LABEL) for key in keys[:MOST_NAMED])
    return told + (f" and {len(keys) - MOST_NAMED:,} more" if len(keys) > MOST_NAMED else "")
