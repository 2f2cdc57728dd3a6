"""An advised index as a finding tells it: its remedy, its cause, and what it rests on."""

from pgadvisor.facts import Facts
from pgadvisor.indexes.build_effort import duration_text, size_text
from pgadvisor.model.advice import AdvisedIndex, IndexAdvice
from pgadvisor.model.finding import Evidence, Remedy, Rung, Severity
from pgadvisor.sql.index_ddl import read_create_index
from pgadvisor.sql.parse import Unread


def advised_cause(index: AdvisedIndex) -> str:
    """The same for all findings that the index settles."""
    return f"index {index.table} {_spelled(index)}"


def advised_remedy(index: AdvisedIndex, facts: Facts) -> Remedy:
    """What makes the index, with its undo, its lock and its cost."""
    table = facts.table(index.table)
    parts = []
    if index.size_bytes:
        parts.append(f"about {size_text(index.size_bytes)}")
    if index.build_s is not None:
        parts.append(f"builds in about {duration_text(index.build_s)}")
    parts.append("each INSERT, and each UPDATE that is not HOT, writes one more index entry")
    return Remedy(
        text=f"Create an index on {table.label if table else index.table} {_spelled(index)}.",
        sql=index.steps,
        undo=index.undo,
        lock=index.lock,
        cost="; ".join(parts),
    )


def is_exchange(index: AdvisedIndex, advice: IndexAdvice, least_fall: float) -> bool:
    """Whether it takes the place of an index that is there to spare the writes, and no query gains much by that.

    A queue's partial index is such a one: its updates pay for the rows that leave it, and the planner does not know
    that the oldest rows of the table are all done.
    """
    name = f"{index.table.partition('.')[0]}.{index.name}"
    today = {each.statement: each for each in advice.statements}
    gains = (today.get(each.statement) for each in index.helps)
    return any(name in each.replaced_by for each in advice.drop) and not any(
        each is not None and not each.is_write and each.ratio <= least_fall for each in gains
    )


def advised_evidence(index: AdvisedIndex, advice: IndexAdvice) -> Evidence:
    """What the index does for the whole workload, with the plans of the statement that it helps most."""
    count = len(index.helps)
    helped = "1 statement" if count == 1 else f"{count:,} statements"
    text = f"weighed over all {advice.considered:,} statements on the {advice.tried_on}: it helps {helped}"
    if index.hurts:
        writes = sum(effect.is_write for effect in index.hurts)
        text += f", and {writes:,} {'write pays' if writes == 1 else 'writes pay'} for its upkeep" if writes else ""
    return Evidence(rung=Rung.ESTIMATED, text=text, comparison=index.comparison)


def advised_severity(index: AdvisedIndex, facts: Facts) -> Severity:
    """The worst that the statements make of it, each by the part of its time that the index saves."""
    found = [facts.severity(each.statement, 1.0 - each.ratio) for each in index.helps]
    return min(found, key=lambda each: each.rank, default=Severity.INFO)


def _spelled(index: AdvisedIndex) -> str:
    """All that follows the table's name in its definition."""
    ddl = read_create_index(index.definition)
    return index.definition if isinstance(ddl, Unread) else ddl.keys
