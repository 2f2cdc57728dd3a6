"""From a Snapshot to a Report: read the statements, run the rules, merge, rank, and say what it comes to."""

from collections.abc import Callable, Sequence

import msgspec

from pgadvisor import __version__
from pgadvisor.advise.endpoints import endpoints_of, logged_of
from pgadvisor.advise.index_advice import settled
from pgadvisor.advise.logged_plans import with_logged_plans
from pgadvisor.advise.merge import merge
from pgadvisor.advise.page import page_of
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.rank import rank
from pgadvisor.advise.registry import audit_rules
from pgadvisor.advise.run import run_rules
from pgadvisor.advise.suppress import Suppression, terms_for
from pgadvisor.advise.time_shares import most_costly, table_shares, time_by_statement
from pgadvisor.advise.trial import Trial
from pgadvisor.advise.trial_values import with_alternatives
from pgadvisor.advise.verdict import give_verdict
from pgadvisor.facts import Facts
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.catalog import Table
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.report import FORMAT, Report, Verdict
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.waiver import Waivers
from pgadvisor.model.whatif import Planner
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.rule import Rule
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import Wishes
from pgadvisor.sql.readings import Readings


def advise(
    snapshot: Snapshot,
    rules: Sequence[Rule] | None = None,
    *,
    across: bool = True,
    on_crash: Callable[[Rule, Exception], None] | None = None,
    planner: Planner | None = None,
    drawn: Sequence[DrawnStatement] = (),
    wishes: Wishes | None = None,
    progress: Progress = no_progress,
    budgets: tuple[EndpointBudget, ...] = (),
    waivers: Waivers | None = None,
    readings: Readings | None = None,
) -> Report:
    """What the rules (all, unless some are named) say of the snapshot.

    `across`: statements with the same cause share a finding; without it each statement has its own. With a `planner`
    and the statements `drawn` for it, proposed indexes are tried before they are shown; without it they are shown as
    the rules propose them. With `wishes` the indexes are chosen for the whole workload. `budgets` are those of
    endpoints, `waivers` those of findings; `readings` of statements may be shared with another snapshot.
    """
    rules = audit_rules() if rules is None else rules
    if snapshot.logs is None:  # nobody gave any: as with migrations, rules about them are no rules that could not run
        rules = tuple(rule for rule in rules if rule.kind != "endpoint") or rules
    snapshot = with_logged_plans(snapshot)
    snapshot = with_alternatives(snapshot, drawn, planner) if planner else snapshot
    progress("statements", 0, 0)
    queries, unread = read_queries(snapshot, readings)
    facts = Facts(snapshot, queries, None, budgets)
    advice = None
    if planner and wishes and drawn:
        advice = advise_indexes(facts, planner, drawn, wishes, progress)
        facts = Facts(snapshot, queries, advice, budgets)
    progress("rules", 0, 0)
    found, not_run = run_rules(rules, facts, on_crash=on_crash)
    absent = {rule.rule for rule in not_run}
    ran = tuple(rule for rule in rules if rule.name not in absent)
    silence = Suppression(facts, terms_for(ran, waivers or Waivers(today=snapshot.collected_at.date())))
    kept = silence.kept(found)
    trial = Trial(facts, planner, drawn) if planner else None
    unknown = tuple(each.statement for each in drawn if each.unknown)
    sifted = trial.sifted(kept) if trial else kept
    asked = settled(sifted, advice, facts, tuple(trial.different) if trial else (), unknown)
    merged = silence.kept(merge(asked, facts, across=across))
    findings = tuple(rank([trial.told(each) for each in merged] if trial else merged, facts))
    return msgspec.structs.replace(
        observed(facts, give_verdict(findings, not_run, unread, facts)),
        findings=findings,
        rules_run=tuple(rule.name for rule in ran),
        rules_not_run=tuple(not_run),
        unread=tuple(unread),
        suppressed=silence.by_comment,
        waived=silence.waived(across=across),
        unused_waivers=tuple(silence.unused()),
        trials=trial.summary() if trial else None,
        advice=advice,
        rule_pages=tuple(
            (rule.name, page_of(rule)) for rule in rules if any(finding.rule == rule.name for finding in findings)
        ),
    )


def observed(facts: Facts, verdict: Verdict) -> Report:
    """What was seen, under its verdict, without the findings."""
    snapshot = facts.snapshot
    by_table = table_shares(facts) if facts.total_ms else ()
    endpoints = endpoints_of(facts)
    return Report(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=snapshot.collected_at,
        verdict=verdict,
        server=snapshot.server,
        window_s=facts.window_s,
        totals=snapshot.totals,
        observed_ms=facts.total_ms,
        time=time_by_statement(facts) if facts.total_ms else (),
        time_by_table=most_costly(by_table, "table", facts),
        table_shares=by_table,
        statements=snapshot.statements,
        plans=snapshot.plans,
        tables=_tables(snapshot),
        gaps=snapshot.gaps,
        endpoints=endpoints,
        logged=logged_of(endpoints, facts),
        log_files=snapshot.logs.files if snapshot.logs else (),
        events=snapshot.logs.events if snapshot.logs else (),
    )


def _tables(snapshot: Snapshot) -> tuple[Table, ...]:
    """The tables, the biggest first, without the values in their statistics: those are user data."""
    bare = (_bare(table) for table in snapshot.tables)
    return tuple(sorted(bare, key=lambda table: (-(table.total_bytes or 0), table.qualified)))


def _bare(table: Table) -> Table:
    """The table without the statistics of its columns, of its indexes' expressions, and of several columns."""
    replace = msgspec.structs.replace
    return replace(
        table,
        columns=tuple(replace(each, statistics=None, statistics_with_children=None) for each in table.columns),
        extended_statistics=tuple(replace(each, data=()) for each in table.extended_statistics),
        indexes=tuple(
            replace(index, keys=tuple(replace(key, statistics=None) for key in index.keys)) for index in table.indexes
        ),
    )
