"""What a rule of the gate needs and has not: a run on a scratch server, or plans before and after."""

from pgadvisor.gate.trying import TraceFound
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.report import RuleNotRun
from pgadvisor.rule import Rule

NOT_PLANNED = "no workload was planned before and after the migrations"
NOT_TRIED = "the migrations were not run on a scratch server"
_NOTHING = "no migration has a statement that could be run"
_NOTHING_CURE = "none is needed, unless the report names a migration that could not be read"


def lacking(rule: Rule, gate: GateFacts, tried: TraceFound | None) -> RuleNotRun | None:
    """Why the rule cannot run, and what would help; None: it has all it needs. `tried`: what came of running the
    migrations, None where nobody tried."""
    needs_trace = "trace" in rule.needs
    needs_plans = rule.kind == "change" and not needs_trace and "migrations" not in rule.needs
    if gate.trace if needs_trace else gate.plans or not needs_plans:
        return None
    if not any(each.is_judged and each.up for each in gate.migrations):
        return RuleNotRun(rule=rule.name, reason=_NOTHING, cure=_NOTHING_CURE)
    if needs_plans:
        cure = "give --snapshot FILE of production" if gate.facts is None else "leave out --no-plans"
        return RuleNotRun(rule=rule.name, reason=NOT_PLANNED, cure=cure)
    for gap in tried.gaps if tried else ():
        return RuleNotRun(rule=rule.name, reason=NOT_TRIED, cure=gap.cure)
    return RuleNotRun(rule=rule.name, reason=NOT_TRIED, cure="leave out --no-trace")
