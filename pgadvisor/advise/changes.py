"""What is different from a previous run: findings new, known, fixed or not judged; statements worse and better."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from pgadvisor.advise.applied import applied_index
from pgadvisor.advise.baseline import mark, with_told
from pgadvisor.advise.change_notes import notes_on
from pgadvisor.advise.endpoint_changes import endpoint_changes, queries_each
from pgadvisor.advise.index_changes import IndexComparison, per_day, saved_ms
from pgadvisor.advise.recent import Recent
from pgadvisor.advise.registry import all_rules
from pgadvisor.advise.schema_changes import server_changed, surroundings_changed, tables_changed
from pgadvisor.advise.statement_changes import STEPS, Load, is_gone, paired, statement_changes
from pgadvisor.model.changes import FindingChange
from pgadvisor.model.finding import Finding
from pgadvisor.model.log import LoggedEndpoint
from pgadvisor.model.report import Changes, GoneFinding, Report, StatementChange
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.rule import Rule


def with_changes(report: Report, before: Report, since: Recent, earlier: Snapshot | None = None) -> Report:
    """The report with what is different from the previous run, and with the status of each finding.

    `since`: the workload of the time between. The report may be of that alone, or of all that the counters hold.
    `earlier`: the previous run's snapshot, where there is one: its settings are compared as well.
    """
    comparison = _Comparison(report, before, since)
    left = [finding for finding in before.findings if finding.key not in comparison.still_found]
    gone = [finding for finding in left if comparison.is_gone(finding)]
    judged = [(finding, comparison.is_fixed(finding)) for finding in left if finding not in gone]
    marked = mark(report, comparison.known)
    known = sum(finding.status == "known" for finding in marked.findings)
    changes = Changes(
        previous_at=before.collected_at,
        new=len(marked.findings) - known,
        known=known,
        fixed=tuple(comparison.told(finding) for finding, is_fixed in judged if is_fixed),
        gone=tuple(comparison.told(finding) for finding in gone),
        not_judged=tuple(comparison.told(finding) for finding, is_fixed in judged if is_fixed is False),
        statements=statement_changes(comparison.now, comparison.before, comparison.pairs),
        reset_between=since.counters == "reset" and report.server is not None,
        since_previous=since.counters == "difference" and report.totals == since.snapshot.totals,
        ms_per_day_before=comparison.before.all_per_day,
        ms_per_day_after=comparison.now.all_per_day,
    )
    compared = comparison.with_the_rest(changes, since, earlier)
    times = _times_told(changes, since) if report.server else "Times are of the logs alone."
    return with_told(msgspec.structs.replace(marked, changes=compared), times)


def _times_told(changes: Changes, since: Recent) -> str:
    """Which time the report's times are of, beside the previous run."""
    if changes.since_previous:
        return "Times are of what ran since the previous run alone: its counters were taken off."
    if since.counters == "reset":
        return "The counters were reset since the previous run."
    if since.counters == "whole":
        return "Whether the counters were reset since the previous run is not known: times may be of before it as well."
    if not since.is_enough:
        return "Too little ran since the previous run to be judged alone: times are of all that the counters hold."
    return "Times are of all that the counters hold; changes of statements are of what ran since the previous run."


class _Comparison:
    """A report beside the previous one: which statement and which finding is which."""

    def __init__(self, report: Report, before: Report, since: Recent) -> None:
        self.report = report
        self.previous = before
        self.now = Load(statements=since.snapshot.statements, window_s=since.window_s)
        self.before = Load(statements=before.statements, window_s=before.window_s)
        self.pairs = paired(self.now.statements, self.before.statements)
        self._now_of = {statement.key: key for key, statement in self.pairs.items()}
        self._statements = {statement.key: statement for statement in self.now.statements}
        self._statements_before = {statement.key: statement for statement in before.statements}
        self._rules = {rule.name: rule for rule in all_rules()}
        self._planned = {planned.statement: planned for planned in report.plans if planned.plan is not None}
        same = self._same()
        self._key_before = same
        self.known = frozenset({*(finding.key for finding in before.findings), *same, *self._told_beside()})
        self.still_found = frozenset({*(finding.key for finding in report.findings), *same.values()})

    def _same(self) -> dict[str, str]:
        """Keys of findings that are a previous one in other words, with that one's key: the same rule on the same
        place of the same statement, though a measurement or an index it names is another now."""
        keys, keys_before = ({finding.key for finding in each.findings} for each in (self.report, self.previous))
        left = [finding for finding in self.previous.findings if finding.key not in keys]
        found: dict[str, str] = {}
        for finding in self.report.findings:
            if finding.key not in keys_before:
                other = next((each for each in left if self._is_same(finding, each)), None)
                if other is not None:
                    found[finding.key] = other.key
                    left.remove(other)
        return found

    def _told_beside(self) -> set[str]:
        """Keys of findings that a previous one told beside its own: what led them is mended."""
        return {
            finding.key
            for finding in self.report.findings
            for each in self.previous.findings
            if finding.rule in each.also and not self._keys_now(each).isdisjoint(finding.statements)
        }

    def _is_same(self, finding: Finding, before: Finding) -> bool:
        one, other = finding.where, before.where
        return (
            finding.key.partition(":")[0] == before.key.partition(":")[0]
            and (one.table, one.column, one.index) == (other.table, other.column, other.index)
            and not self._keys_now(before).isdisjoint(finding.statements)
            and applied_index(before.remedy, self.report.tables) is None
        )

    def _keys_now(self, before: Finding) -> set[str]:
        return {self._now_of[key] for key in before.statements if key in self._now_of}

    def with_the_rest(self, changes: Changes, since: Recent, earlier: Snapshot | None) -> Changes:
        """The changes with what moved beside the findings: indexes, schema, endpoints; and what is doubtful in it."""
        indexes = IndexComparison(self.report, self.previous, self.now, self.before, self.pairs, changes.statements)
        found = indexes.changes()
        saved = saved_ms(each for index in found for each in index.statements)
        told = msgspec.structs.replace(
            changes,
            moved=self._moved(changes.statements),
            indexes=found,
            saved_ms=saved,
            saved_ms_per_day=per_day(saved, since.window_s),
            schema=(
                *server_changed(self.report.server, self.previous.server),
                *surroundings_changed(since.snapshot, earlier),
                *tables_changed(self.report.tables, self.previous.tables),
            ),
            endpoints=endpoint_changes(self.report.endpoints, self.previous.endpoints),
        )
        notes = notes_on(told, self.report, self.previous, since, earlier, indexes.control(found))
        return msgspec.structs.replace(told, notes=notes)

    def _moved(self, statements: Sequence[StatementChange]) -> tuple[FindingChange, ...]:
        """Findings of both runs whose severity is another, or whose statements got slower or faster."""
        before = {finding.key: finding for finding in self.previous.findings}
        change_of = {each.statement: each.change for each in statements}
        found = []
        for finding in self.report.findings:
            known = before.get(self._key_before.get(finding.key, finding.key))
            moved = self._moved_one(finding, known, change_of) if known else None
            found += [moved] if moved else []
        return tuple(sorted(found, key=lambda each: each.change == "better"))

    def _moved_one(self, finding: Finding, known: Finding, change_of: Mapping[str | None, str]) -> FindingChange | None:
        after, was = self._per_day(finding.statements, self.now), self._per_day(known.statements, self.before)
        change = _finding_change(finding, known, change_of)
        if change is None or (after is not None and was is not None and (after > was) is not (change == "worse")):
            return None  # a share of less time is more: what takes no more time than it did is not worse
        return FindingChange(
            change=change,
            rule=finding.rule,
            key=finding.key,
            message=finding.message,
            severity=finding.severity,
            severity_before=known.severity,
            place=_place(finding),
            ms_per_day_before=was,
            ms_per_day_after=after,
        )

    def _per_day(self, keys: Sequence[str], load: Load) -> float | None:
        known = self._statements if load is self.now else self._statements_before
        times = [ms for key in keys if key in known and (ms := load.per_day(known[key])) is not None]
        return sum(times) if times else None

    def is_gone(self, finding: Finding) -> bool:
        """Whether what it is about is no more: its table was dropped, or all its statements are no more sent."""
        tables = {each.qualified for each in self.report.tables}
        if tables and finding.where.table in {each.qualified for each in self.previous.tables} - tables:
            return True
        if self._is_of_requests(finding):
            return False  # a loop whose lookup is no more sent is mended
        known = [self._statements_before.get(key) for key in finding.statements]
        sent = {key for key in self._keys_now(finding) if self._statements[key].calls}
        return bool(known) and not sent and all(each and is_gone(each, self.now, self.before) for each in known)

    def is_fixed(self, finding: Finding) -> bool | None:
        """Whether a finding that is no more found is fixed; False: this run could not tell; None: it was set aside, by
        a comment, by a waiver or because its remedy was tried this time and does not help."""
        rules = [self._rules.get(name) for name in (finding.rule, *finding.also)]
        if any(rule is None or rule.name not in self.report.rules_run for rule in rules):
            return False
        if any(gap.subject is not None and gap.subject == finding.where.table for gap in self.report.gaps):
            return False
        if self._is_rejected(finding) or any(each.finding.key == finding.key for each in self.report.waived):
            return None
        rule = self._rules[finding.rule]
        if self._is_of_requests(finding):
            before, after = self._requests(finding)
            return before is not None and after is not None and after.requests >= min(before.requests, STEPS[0][0])
        return self._is_statement_fixed(finding, rule) if finding.statements else self._is_place_fixed(finding, rule)

    def _is_of_requests(self, finding: Finding) -> bool:
        rule = self._rules.get(finding.rule)
        return rule is not None and rule.kind == "endpoint"

    def _requests(self, finding: Finding) -> tuple[LoggedEndpoint | None, LoggedEndpoint | None]:
        """The requests of its endpoint, then and now."""
        runs = (self.previous.endpoints, self.report.endpoints)
        then, now = ({each.name: each.seen for each in run}.get(finding.where.endpoint or "") for run in runs)
        return then, now

    def _is_rejected(self, finding: Finding) -> bool:
        rejected = self.report.trials.rejected if self.report.trials else ()
        rules, keys = {finding.rule, *finding.also}, self._keys_now(finding)
        return any(each.rule in rules and not keys.isdisjoint(each.statements) for each in rejected)

    def _is_place_fixed(self, finding: Finding, rule: Rule) -> bool:
        """Of a table or an index: what counters told must have been told by the same counters, or be gone."""
        if "counters" not in rule.needs or not self._is_there(finding):
            return True
        now, before = self.report.server, self.previous.server
        return now is not None and before is not None and now.statistics_reset_at == before.statistics_reset_at

    def _is_there(self, finding: Finding) -> bool:
        where = finding.where
        table = next((each for each in self.report.tables if each.qualified == where.table), None)
        return table is not None and (where.index is None or any(each.name == where.index for each in table.indexes))

    def _is_statement_fixed(self, finding: Finding, rule: Rule) -> bool | None:
        """Of statements: one at least must have run in the report's time and been read, or the remedy be there."""
        if rule.kind == "schema":
            return self._is_place_fixed(finding, rule)
        keys = self._keys_now(finding)
        if keys and all(finding.rule in self._statements[key].ignores for key in keys):
            return None
        ran = {each.key for each in self.report.statements if each.key in keys and each.calls}
        is_applied = applied_index(finding.remedy, self.report.tables) is not None
        if is_applied and self._is_faster(finding):
            return True  # so cheap now, perhaps, that it was not planned any more
        looked_at = keys if is_applied else ran
        if not looked_at:
            return False  # not sent since: perhaps no more, perhaps not yet
        unread = {each.statement for each in self.report.unread}
        return not looked_at <= unread and (rule.kind != "plan" or self._is_planned(looked_at, rule))

    def _is_planned(self, keys: set[str], rule: Rule) -> bool:
        """Whether every one that ran has a plan again, a real one where the rule needs that."""
        planned = [self._planned.get(key) for key in keys]
        return all(
            each is not None and ("analyze" not in rule.needs or (each.plan is not None and each.plan.is_analyzed))
            for each in planned
        )

    def told(self, finding: Finding) -> GoneFinding:
        """The previous finding, as far as it is still of interest."""
        is_of_requests = self._is_of_requests(finding)
        before, after = (None, None) if is_of_requests else self._times(finding.statements)
        queries, queries_now = map(queries_each, self._requests(finding) if is_of_requests else (None, None))
        return GoneFinding(
            rule=finding.rule,
            severity=finding.severity,
            message=finding.message,
            key=finding.key,
            place=_place(finding),
            applied=applied_index(finding.remedy, self.report.tables),
            ms_per_call_before=before,
            ms_per_call_after=after,
            queries_before=queries,
            queries_after=queries_now,
        )

    def _is_faster(self, finding: Finding) -> bool:
        before, after = self._times(finding.statements)
        return before is not None and after is not None and before >= STEPS[0][1] * after

    def _times(self, keys: Sequence[str]) -> tuple[float | None, float | None]:
        """Milliseconds a call, then and now, of the most costly of those statements that ran in both."""
        return next(
            ((known.mean_ms, now.mean_ms) for known, now in self._both(keys, self._statements_before) if now.mean_ms),
            (None, None),
        )

    def _both(self, keys: Sequence[str], before: Mapping[str, Statement]) -> list[tuple[Statement, Statement]]:
        return [(before[key], self._statements[self._now_of[key]]) for key in keys if key in self._now_of]


def _finding_change(
    finding: Finding, known: Finding, change_of: Mapping[str | None, str]
) -> Literal["worse", "better"] | None:
    """By its severity, else by its statements when all that changed moved the same way."""
    if finding.severity is not known.severity:
        return "worse" if finding.severity.rank < known.severity.rank else "better"
    moved = {change_of[key] for key in finding.statements if key in change_of}
    return "worse" if moved == {"worse"} else "better" if moved == {"better"} else None


def _place(finding: Finding) -> str | None:
    where = finding.where
    return where.index or ".".join(part for part in (where.table, where.column) if part) or where.endpoint
