"""Run rules over the facts of a snapshot: findings, and the rules that could not be run with the reason."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pgadvisor.endpoint_facts import seen_endpoints
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding, Where
from pgadvisor.model.report import RuleNotRun
from pgadvisor.model.snapshot import Area, Snapshot
from pgadvisor.rule import Rule
from pgadvisor.sql.endpoint_name import endpoint_name


def run_rules(
    rules: Iterable[Rule], facts: Facts, *, on_crash: Callable[[Rule, Exception], None] | None = None
) -> tuple[list[Finding], list[RuleNotRun]]:
    """The findings of all rules, in the rules' order, and the rules that did not run.

    A rule that fails on one subject is listed as not run and the others go on; `on_crash` hears of it (and may raise).
    """
    findings: list[Finding] = []
    not_run: list[RuleNotRun] = []
    for rule in rules:
        lacking = _lacking(rule, facts)
        if lacking is not None:
            not_run.append(lacking)
            continue
        try:
            findings.extend(findings_of(rule, facts))
        except Exception as crash:  # noqa: BLE001 - one rule's fault must not cost the user all the others
            if on_crash:
                on_crash(rule, crash)
            not_run.append(_crashed(rule, crash))
    return findings, not_run


def findings_of(rule: Rule, facts: Facts) -> Iterator[Finding]:
    """What one rule finds, with its name and its statements filled in."""
    for found in _check_all(rule, facts):
        own = found.statements or ((found.where.statement,) if found.where.statement else ())
        yield msgspec.structs.replace(found, rule=rule.name, statements=own, where=_placed(found.where, facts))


def _placed(where: Where, facts: Facts) -> Where:
    """The place with what its statement tells of it: file, line, endpoint."""
    statement = facts.statement(where.statement)
    if statement is None:
        return where
    return msgspec.structs.replace(
        where,
        file=where.file or statement.file,
        line=where.line or statement.line,
        endpoint=where.endpoint or endpoint_name(statement.tags),
    )


def _check_all(rule: Rule, facts: Facts) -> Iterator[Finding]:
    match rule.kind:
        case "query":
            for query in facts.queries.values():
                yield from rule.check(query, facts)
        case "plan":
            for plan in facts.plans:
                yield from rule.check(plan, facts)
        case "schema":
            for table in facts.tables:
                yield from rule.check(table, facts)
        case "server" | "workload":
            yield from rule.check(facts)
        case "endpoint":
            for endpoint in seen_endpoints(facts):
                yield from rule.check(endpoint, facts)


def _lacking(rule: Rule, facts: Facts) -> RuleNotRun | None:
    """Why the rule cannot run on this snapshot, if it cannot."""
    for gap in facts.snapshot.gaps:
        if gap.subject is None and gap.area in rule.needs and not _is_served(gap.area, facts):
            return RuleNotRun(rule=rule.name, reason=gap.reason, cure=gap.cure)
    for area in rule.needs:
        if not _is_served(area, facts):
            return RuleNotRun(rule=rule.name, reason=_ABSENT[area][0], cure=_ABSENT[area][1])
    if rule.kind == "endpoint" and not seen_endpoints(facts):
        return RuleNotRun(rule=rule.name, reason=_NO_REQUESTS[0], cure=_NO_REQUESTS[1])
    return None


_ASK_DATABASE = "name a database or a snapshot file as the source"
_ASK_NOW = "name a database as the source, or make the snapshot file again with this version of pgadvisor"
_NO_REQUESTS = (
    "the logs tell of no request: no statement has tags, and none ran in a transaction of a named application",
    "have the application tag its statements with the endpoint (sqlcommenter), and log all of them for a while",
)
_ABSENT: dict[Area, tuple[str, str]] = {
    "server": ("no database was asked", _ASK_DATABASE),
    "settings": ("no settings were read", _ASK_DATABASE),
    "catalog": ("no catalog was read", _ASK_DATABASE),
    "statistics": ("no statistics were read", "GRANT pg_read_all_data to the role, and run ANALYZE"),
    "counters": ("no counters were read", _ASK_DATABASE),
    "statements": ("no statements were read", "CREATE EXTENSION pg_stat_statements"),
    "plans": ("no statement has a plan", "see at the statements why each has none"),
    "replicas": ("replicas are not visible", "GRANT pg_monitor to the role"),
    "activity": ("nobody looked at what the server is doing", _ASK_NOW),
    "sessions": ("nobody looked at the sessions and locks", _ASK_NOW),
    "analyze": ("no statement was run with EXPLAIN ANALYZE", "see at the statements why each was not"),
    "planner": ("no planner twin was built", _ASK_DATABASE),
    "migrations": ("no migration was read", "give migrations to `pgadvisor gate`"),
    "trace": ("no migration was run", "give migrations to `pgadvisor gate`"),
    "logs": ("no log was read", "give the server's log files with --log FILE"),
}


def _is_served(area: Area, facts: Facts) -> bool:
    """Whether the snapshot holds anything of that area at all."""
    snapshot = facts.snapshot
    match area:
        case "server" | "catalog" | "settings" | "planner":
            return snapshot.server is not None
        case "statistics":
            return not snapshot.tables or any(
                column.statistics for table in snapshot.tables for column in table.columns
            )
        case "counters":
            return not snapshot.tables or any(table.counters for table in snapshot.tables)
        case "statements":
            return bool(snapshot.statements)
        case "plans":
            return any(planned.plan for planned in snapshot.plans)
        case "analyze":
            return any(planned.plan is not None and planned.plan.is_analyzed for planned in snapshot.plans)
        case "migrations" | "trace":
            return False
        case "logs":
            return snapshot.logs is not None
        case "activity":
            return snapshot.activity is not None
        case "sessions":
            return snapshot.activity is not None and not _is_hidden(area, snapshot)
        case "replicas":
            return not _is_hidden(area, snapshot)


def _is_hidden(area: Area, snapshot: Snapshot) -> bool:
    return any(gap.area == area and gap.subject is None for gap in snapshot.gaps)


def _crashed(rule: Rule, crash: Exception) -> RuleNotRun:
    return RuleNotRun(
        rule=rule.name,
        reason=f"it failed on this database: {type(crash).__name__}",
        cure="run again with --debug and report the traceback as a bug of pgadvisor",
    )
