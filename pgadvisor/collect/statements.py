"""From pg_stat_statements to the workload, whatever its version and schema."""

import re
from collections.abc import Sequence

from psycopg import sql

from pgadvisor.collect.reading import Reading, grant, query, refused
from pgadvisor.collect.session import MARK, Row, StatementError
from pgadvisor.model.catalog import Extension, Setting
from pgadvisor.model.snapshot import Gap
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.normalize import normalize_but_shape
from pgadvisor.sql.parse import Unread, parse_tree
from pgadvisor.sql.remarks import ignored_in, without_remarks
from pgadvisor.sql.tags import read_tags

NAME = "pg_stat_statements"
NOT_LOADED = "55000"
"""SQLSTATE of "pg_stat_statements must be loaded via shared_preload_libraries"."""

_VIEW = re.compile(r"public\.(?=pg_stat_statements)")
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]*)", re.DOTALL)
_PLANNED = frozenset({"select", "insert", "update", "delete", "merge", "with", "values", "table"})
"""What a statement that the planner plans begins with; all others are utility statements."""
_CUT = re.compile(r"at end of input|unterminated", re.IGNORECASE)
"""How PostgreSQL's grammar complains of a text that stops midway."""

_COUNTERS = (
    "calls",
    "total_ms",
    "min_ms",
    "max_ms",
    "stddev_ms",
    "planning_ms",
    "rows",
    "shared_hit_blocks",
    "shared_read_blocks",
    "shared_dirtied_blocks",
    "temp_read_blocks",
    "temp_written_blocks",
    "io_ms",
    "wal_bytes",
    "jit_ms",
    "since",
)


def read_statements(
    reading: Reading, extensions: Sequence[Extension], settings: Sequence[Setting]
) -> tuple[tuple[Statement, ...], WorkloadTotals | None]:
    """The statements of this database, most time first, and the totals; totals of None, and a Gap, without access."""
    extension = next((each for each in extensions if each.name == NAME), None)
    values = {each.name: each.value for each in settings}
    if extension is None:
        reading.gaps.append(_not_installed(reading, values.get("shared_preload_libraries")))
        return (), None
    version = _version(extension)
    if version < (1, 8):
        reading.gaps.append(_too_old(extension))
        return (), None
    try:
        rows = reading.ask(_text(reading, _file(version), extension), lambda row: row)
    except StatementError as error:
        reading.gaps.append(_refused(reading, extension, error))
        return (), None
    info = _info(reading, extension) if version >= (1, 9) else {}
    _note_tracking(reading, values, bool(rows))
    return _made(reading, rows, info)


def _version(extension: Extension) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", extension.version)[:2])


def _file(version: tuple[int, ...]) -> str:
    return "statements.1_8" if version < (1, 10) else "statements.1_10" if version < (1, 11) else "statements.1_11"


def _text(reading: Reading, name: str, extension: Extension) -> str:
    """The query with the schema in which the extension lives."""
    schema = sql.Identifier(extension.schema).as_string(None)
    return _VIEW.sub(lambda _: f"{schema}.", query(name, reading.session.version_num // 10_000))


def _info(reading: Reading, extension: Extension) -> Row:
    """When the counters were reset, and how many entries were thrown away."""
    try:
        rows = reading.ask(_text(reading, "statements_info", extension), lambda row: row)
    except StatementError as error:
        what = "the age of pg_stat_statements' counters"
        reading.gaps.append(refused(error, reading.session, "statements", what, "pg_stat_statements_info"))
        return {}
    return next(iter(rows), {})


def _made(reading: Reading, rows: Sequence[Row], info: Row) -> tuple[tuple[Statement, ...], WorkloadTotals]:
    readable = [row for row in rows if row["queryid"] is not None and row["text"] is not None]
    own = [row for row in readable if MARK in row["text"]]
    planned = [row for row in readable if MARK not in row["text"] and is_planned(row["text"])]
    utility = [row for row in readable if MARK not in row["text"] and not is_planned(row["text"])]
    _note_unreadable(reading, rows)
    totals = WorkloadTotals(
        statements=sum(row["entries"] for row in rows),
        calls=sum(row["calls"] for row in rows),
        total_ms=sum(row["total_ms"] for row in rows),
        own_ms=sum(row["total_ms"] for row in own),
        utility_ms=sum(row["total_ms"] for row in utility),
        since=info.get("since"),
        evicted=info.get("evicted"),
    )
    return tuple(_statement(row) for row in planned), totals


def is_planned(text: str) -> bool:
    """Whether the planner plans the statement; otherwise it is a utility statement: SET, VACUUM, CREATE, COPY, …"""
    found = _FIRST_WORD.match(text)
    return found is not None and found[1].lower() in _PLANNED


def _statement(row: Row) -> Statement:
    tags, remarked = read_tags(row["text"])
    bare = without_remarks(remarked)
    tree = parse_tree(bare)
    return Statement(
        key=str(row["queryid"]),
        queryid=row["queryid"],
        text=normalize_but_shape(bare).strip(),
        fingerprint=fingerprint(bare),
        mean_ms=row["total_ms"] / row["calls"] if row["calls"] else None,
        is_truncated=isinstance(tree, Unread) and _CUT.search(tree.reason) is not None,
        ignores=tuple(sorted(ignored_in(remarked))),
        tags=tags,
        **{name: row[name] for name in _COUNTERS},
    )


def _note_unreadable(reading: Reading, rows: Sequence[Row]) -> None:
    """Gaps for the statements whose texts are hidden from the role, or lost."""
    hidden = [row for row in rows if row["queryid"] is None]
    lost = [row for row in rows if row["queryid"] is not None and row["text"] is None]
    if hidden:
        ms, count = sum(row["total_ms"] for row in hidden), sum(row["entries"] for row in hidden)
        reading.gaps.append(
            Gap(
                area="statements",
                subject=None if len(hidden) == len(rows) else "statements of other roles",
                reason=f"{count} statements of other roles ({ms:.0f} ms in all) are hidden",
                cure=grant(reading.session),
            )
        )
    if lost:
        reading.gaps.append(
            Gap(
                area="statements",
                subject=f"{len(lost)} statements without text",
                reason="pg_stat_statements has lost their texts",
                cure="SELECT pg_stat_statements_reset(); to begin anew, and look for a full disk in the server's log",
            )
        )


def _not_installed(reading: Reading, preloaded: str | None) -> Gap:
    database = reading.session.database
    create = f'CREATE EXTENSION {NAME}; in "{database}"'
    if preloaded is not None and NAME not in preloaded:
        reason = f'{NAME} is not loaded in "{database}"'
        cure = f"add {NAME} to shared_preload_libraries, restart the server and run {create}"
    else:
        reason = f'the extension {NAME} is not installed in "{database}"'
        cure = f"run {create} as a superuser"
    return Gap(area="statements", reason=reason, cure=cure)


def _too_old(extension: Extension) -> Gap:
    return Gap(
        area="statements",
        reason=f"the extension {NAME} is still of version {extension.version}, older than the server",
        cure=f"run ALTER EXTENSION {NAME} UPDATE; as a superuser",
    )


def _refused(reading: Reading, extension: Extension, error: StatementError) -> Gap:
    if error.sqlstate == NOT_LOADED:
        return Gap(
            area="statements",
            reason=f'{NAME} is installed in "{reading.session.database}" but not loaded',
            cure=f"add {NAME} to shared_preload_libraries and restart the server",
        )
    gap = refused(error, reading.session, "statements", NAME)
    if not error.is_denied:
        return gap
    role, schema = (sql.Identifier(name).as_string(None) for name in (reading.session.role, extension.schema))
    more = f" GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}.{NAME} TO {role};"
    return Gap(area=gap.area, reason=gap.reason, cure=gap.cure + more)


def _note_tracking(reading: Reading, values: dict[str, str], has_rows: bool) -> None:
    """A Gap where the server does not count statements now."""
    for name, off in ((f"{NAME}.track", "none"), ("compute_query_id", "off")):
        if values.get(name) == off:
            reading.gaps.append(
                Gap(
                    area="statements",
                    subject=name if has_rows else None,
                    reason=f"statements are not counted: {name} is {off}",
                    cure=f"ALTER SYSTEM RESET {name}; SELECT pg_reload_conf();",
                )
            )
