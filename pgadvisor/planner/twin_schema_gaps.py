"""What a twin's schema lacks, as gaps: those of one cause together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.twin_schema_functions import stood_in
from pgadvisor.planner.twin_schema_steps import Shortfall

OTHER_PROGRAMS = "install PostgreSQL of the server's version with its extensions, and name it with --twin-bin DIR"
NAMED = 3
"""So many things of one cause are named; more of them are counted."""

ADMINISTRATION = frozenset(
    (
        "adminpack", "amcheck", "auto_explain", "hypopg", "old_snapshot", "pageinspect", "pg_buffercache", "pg_cron",
        "pg_freespacemap", "pg_hint_plan", "pg_logicalinspect", "pg_partman", "pg_prewarm", "pg_qualstats", "pg_repack",
        "pg_stat_kcache", "pg_stat_statements", "pg_surgery", "pg_visibility", "pg_wait_sampling", "pg_walinspect",
        "pgaudit", "pglogical", "pgrowlocks", "pgstattuple", "plpgsql", "plpgsql_check", "pldbgapi", "powa", "sslinfo",
    )
)  # fmt: skip
"""Extensions that no application's statement calls: nothing is lost where they are missing."""

_LESSER = {
    "collation": "compares texts by another locale on the planner twin",
    "extension": "stands in another schema on the planner twin",
    "function": "is a stand-in on the planner twin",
    "procedure": "is a stand-in on the planner twin",
    "table": "stands on the planner twin without what could not be made of its defaults, checks and generated columns",
    "view": "stands on the planner twin without its options",
}


def gaps_of(shortfalls: Iterable[Shortfall]) -> tuple[Gap, ...]:
    """A gap for each cause, by kind."""
    groups: dict[tuple[str, bool, str], list[str]] = defaultdict(list)
    for each in shortfalls:
        groups[each.step.kind, each.is_replaced, each.reason].append(each.step.subject)
    return tuple(_gap(kind, is_replaced, reason, names) for (kind, is_replaced, reason), names in groups.items())


def _gap(kind: str, is_replaced: bool, reason: str, names: Sequence[str]) -> Gap:
    what = (
        _LESSER.get(kind, "is another on the planner twin") if is_replaced else "could not be built on the planner twin"
    )
    subject = names[0] if len(names) == 1 else f"{len(names)} of kind {kind}"
    return Gap(area="planner", subject=subject, reason=f"{kind} {listed(names)} {what}: {reason}", cure=OTHER_PROGRAMS)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def foreseen(
    snapshot: Snapshot, lacking: Sequence[str], refused: Sequence[str], stand_ins: Sequence[tuple[str, str]]
) -> Iterator[Gap]:
    """What is known beforehand to be otherwise on a twin."""
    types = [f"{schema}.{name}" for schema, name in stand_ins]
    tables = snapshot.tables
    on_server = "EXPLAIN statements that use them on the server itself"
    told = (
        (
            "extensions",
            "the machine of the planner twin lacks extensions, and statements with their operators cannot be planned",
            [name for name in lacking if name not in ADMINISTRATION],
            OTHER_PROGRAMS,
        ),
        (
            "refused extensions",
            "the planner twin has only extensions that are known to reach nothing outside it, and statements with the "
            "operators of others cannot be planned",
            [name for name in refused if name not in ADMINISTRATION],
            on_server,
        ),
        ("types", "types of missing extensions stand as text, without their operators", types, OTHER_PROGRAMS),
        (
            "functions",
            "functions whose bodies are not in the snapshot have stand-ins, which give a planner that asks any value",
            stood_in(snapshot),
            "read the estimates of statements that call them with care",
        ),
        (
            "foreign tables",
            "foreign tables stand as plain ones, and cost what those cost",
            [each.qualified for each in tables if each.kind == "foreign table"],
            on_server,
        ),
        (
            "access methods",
            "tables with access methods of their own stand as heaps, and cost what those cost",
            [each.qualified for each in tables if each.access_method],
            on_server,
        ),
        (
            "row security",
            "row security does not hold on the planner twin: plans are those of a role that it spares",
            [each.qualified for each in tables if each.has_row_security],
            "add the policies' conditions to a statement to plan it so",
        ),
    )
    for subject, reason, names, cure in told:
        if names:
            where = names[0] if len(names) == 1 else subject
            yield Gap(area="planner", subject=where, reason=f"{reason}: {listed(names)}", cure=cure)
