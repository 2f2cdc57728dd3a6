"""What rules say of a step, held against what its statement did on the scratch server."""

import re
from collections.abc import Iterable

from msgspec.structs import replace

from pgadvisor.locks.modes import MODES, blocks_writes
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Evidence, Finding, Rung
from pgadvisor.model.trace import Traced

REWRITE = frozenset(
    (
        "type-change-rewrites",
        "volatile-default",
        "auto-increment-column",
        "stored-generated-column",
        "set-logged-rewrites",
    )
)
"""Rules that say that a table is written anew."""
SCAN = frozenset(
    ("set-not-null-scans", "check-validated-at-once", "attach-partition-scans", "type-change-rebuilds-index")
)
"""Rules that say that a table is read whole."""
_PLAIN = re.compile(r"\s*ALTER\s+TABLE\b(?!.*\bIF\b)", re.IGNORECASE | re.DOTALL)
"""What does the same on any rows, and none."""
_OF_TIME_ZONE = re.compile(r"\btimestamp", re.IGNORECASE)
_MOST = 4


def confirmed(finding: Finding, step: MigrationStep, gate: GateFacts) -> Finding | None:
    """The finding with what was seen of its statement for evidence; None: what it says did not happen."""
    traced = gate.traced(step)
    if gate.trace is None or traced is None or (finding.evidence[:1] and finding.evidence[0].rung is Rung.MEASURED):
        return finding
    if _is_refuted(finding, step, traced, gate):
        return None
    seen = traced_text(traced)
    if seen is None:
        return finding
    piece = Evidence(rung=Rung.MEASURED, text=seen)
    # What the message rests on is the lock: then that it was seen says more than that it is known.
    rests_on_lock = step.effect.lock is not None and any(step.effect.lock in each.text for each in finding.evidence[:1])
    is_seen = any(each.relation == step.target and each.mode == step.effect.lock for each in traced.locks)
    first, rest = finding.evidence[:1], finding.evidence[1:]
    evidence = (piece, *first, *rest) if rests_on_lock and is_seen else (*first, *rest, piece)
    return replace(finding, evidence=evidence)


def traced_text(traced: Traced) -> str | None:
    """`traced: took ACCESS EXCLUSIVE on orders, rewrote orders and 2 indexes, scanned customers`; None: nothing that
    anybody would wait for."""
    locks: dict[str, list[str]] = {}
    strong = {str(mode) for mode in MODES if blocks_writes(mode)}
    for each in traced.locks:
        if each.kind != "index" and each.taken in strong:
            locks.setdefault(each.taken, []).append(each.relation)
    parts = [f"took {mode} on {_names(names)}" for mode, names in locks.items()]
    indexes = len(traced.rebuilt)
    if traced.rewritten:
        told = f" and {indexes} index{'' if indexes == 1 else 'es'}" if indexes else ""
        parts.append(f"rewrote {_names(traced.rewritten)}{told}")
    elif traced.rebuilt:
        parts.append(f"rebuilt {_names(traced.rebuilt)}")
    if scanned := [each for each in traced.scanned if each not in traced.rewritten]:
        parts.append(f"scanned {_names(scanned)}")
    return f"traced: {', '.join(parts)}" if parts else None


def _names(names: Iterable[str]) -> str:
    told = [each.removeprefix("public.") for each in names]
    return ", ".join(told[:_MOST]) + (f" and {len(told) - _MOST:,} more" if len(told) > _MOST else "")


def _is_refuted(finding: Finding, step: MigrationStep, traced: Traced, gate: GateFacts) -> bool:
    """Whether the server was seen not to do what the rule says it does: told only of what depends on no rows, no other
    version and no setting that is not known."""
    assert gate.trace is not None
    if finding.rule not in REWRITE | SCAN or step.step.is_conditional or not _PLAIN.match(step.statement.text):
        return False
    if gate.version_is_known and gate.trace.version_num // 10_000 != gate.version:
        return False
    if gate.facts is None and _OF_TIME_ZONE.search(step.statement.text):
        return False
    worked = step.effect.worked_table or step.target
    if not any(each.relation == worked and each.kind == "table" for each in traced.locks):
        return False  # it was not there, or its partitions are worked on in its stead
    if finding.rule in REWRITE:
        return worked not in traced.rewritten
    return worked not in {*traced.scanned, *traced.rewritten}
