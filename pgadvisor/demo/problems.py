"""What the demo's audit must say: the problems made on purpose, and the statements of which nothing may be said."""

from dataclasses import dataclass

from pgadvisor.demo.workload import STATEMENTS
from pgadvisor.model.finding import Finding
from pgadvisor.model.report import Report
from pgadvisor.sql.fingerprint import fingerprint


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem made on purpose, of a statement or of a table, and the rule that must find it."""

    rule: str
    statement: str | None = None
    """Name of the statement in the workload."""
    table: str | None = None
    """`schema.table`."""
    indexes: frozenset[str] = frozenset()
    """The indexes of which the finding must name one."""
    days: float = 0.0
    """How long the counters must have run before anyone can tell."""


SCHEMA = (
    Problem(rule="foreign-key-without-index", table="public.payments"),
    Problem(
        rule="duplicate-index",
        table="public.orders",
        indexes=frozenset({"orders_placed_at_idx", "orders_placed_at_id_idx"}),
    ),
    Problem(rule="index-covered-by-another", table="public.reviews", indexes=frozenset({"reviews_product_id_idx"})),
    Problem(
        rule="unused-index",  # of two copies PostgreSQL only ever takes one
        table="public.orders",
        indexes=frozenset({"orders_placed_at_idx", "orders_placed_at_id_idx"}),
        days=7,
    ),
    Problem(
        rule="unused-index", table="public.order_items", indexes=frozenset({"order_items_price_cents_idx"}), days=7
    ),
    Problem(rule="invalid-index", table="public.coupons", indexes=frozenset({"coupons_code_key"})),
    Problem(rule="table-without-primary-key", table="public.search_log"),
    Problem(rule="statistics-missing", table="public.stock_movements"),
)
"""The problems of tables."""

PROBLEMS: tuple[Problem, ...] = (
    *(Problem(rule=rule, statement=each.name) for each in STATEMENTS for rule in each.rules),
    *SCHEMA,
)
"""All of them."""

_Names = dict[str, str | None]
"""`Statement.key` to the statement's name in the workload; None: not one of the workload's."""

_FINGERPRINTS = {fingerprint(each.sql): each for each in STATEMENTS}


@dataclass(frozen=True, kw_only=True)
class Check:
    """A report held against what the demo made."""

    found: tuple[Problem, ...]
    missed: tuple[Problem, ...]
    too_early: tuple[Problem, ...]
    """Not found, and not to be: the counters of a demo are a minute old, and nobody can tell from them."""
    false_alarms: tuple[Finding, ...]
    """Findings about a clean statement, or about something that nobody made on purpose."""


def check(report: Report) -> Check:
    """What the report found of the problems, what it missed, and what it should not have said."""
    names = {statement.key: _name_of(statement.text) for statement in report.statements}
    found = tuple(problem for problem in PROBLEMS if any(_is(each, problem, names) for each in report.findings))
    left = [problem for problem in PROBLEMS if problem not in found]
    days = _days_counted(report)
    return Check(
        found=found,
        missed=tuple(problem for problem in left if problem.days <= days),
        too_early=tuple(problem for problem in left if problem.days > days),
        false_alarms=tuple(finding for finding in report.findings if not _is_true(finding, names)),
    )


def _days_counted(report: Report) -> float:
    """How long the counters of tables and indexes have run, at most."""
    since = report.server and (report.server.statistics_reset_at or report.server.started_at)
    return (report.collected_at - since).total_seconds() / 86_400 if since else 0.0


def _name_of(text: str) -> str | None:
    known = _FINGERPRINTS.get(fingerprint(text))
    return known.name if known else None


def _is(finding: Finding, problem: Problem, names: _Names) -> bool:
    """Whether the finding is about the problem."""
    if problem.rule not in (finding.rule, *finding.also):
        return False
    if problem.statement is not None:
        return problem.statement in {names.get(key) for key in finding.statements}
    return finding.where.table == problem.table and (not problem.indexes or finding.where.index in problem.indexes)


def _is_true(finding: Finding, names: _Names) -> bool:
    """Whether everything that the finding is about was made on purpose, or follows from what was."""
    if not any(_is(finding, problem, names) for problem in PROBLEMS) and not _follows(finding, names):
        return False
    return not any(each.is_clean for each in STATEMENTS if each.name in {names.get(key) for key in finding.statements})


def _follows(finding: Finding, names: _Names) -> bool:
    """Whether the finding is another side of a problem that its statement was made with."""
    concerned = {names.get(key) for key in finding.statements}
    return any(finding.rule in each.also for each in STATEMENTS if each.name in concerned)
