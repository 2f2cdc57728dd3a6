"""What a sample of the audited tables should tell, before the causes of wrong estimates are looked for."""

from pgadvisor.estimates.case import case_of
from pgadvisor.estimates.correlation import suspects
from pgadvisor.estimates.diagnosis import LEAST_SHARE
from pgadvisor.estimates.misestimate import effect_of, far_off, share_above
from pgadvisor.facts import Facts
from pgadvisor.model.snapshot import Snapshot


def groups_to_count(snapshot: Snapshot) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Tables, each with columns that were taken for independent and seem not to be; the costliest statements first."""
    facts = Facts(snapshot, {})
    wanted: dict[tuple[str, tuple[str, ...]], None] = {}
    plans = [plan for plan in facts.plans if plan.is_analyzed]
    for plan in sorted(plans, key=lambda each: -((each.statement.total_ms if each.statement else None) or 0.0)):
        for number in far_off(plan):
            case = case_of(facts, plan, number)
            columns = suspects(case) if case else ()
            if case is None or not columns or share_above(plan, number) < LEAST_SHARE:
                continue
            if effect_of(facts, plan, number) is not None:
                wanted[case.table.qualified, columns] = None
    return tuple(wanted)
