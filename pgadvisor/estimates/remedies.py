"""The SQL that mends an estimate, with its undo, lock and cost."""

from pgadvisor.model.catalog import ExtendedStatistics, Table
from pgadvisor.model.finding import Remedy
from pgadvisor.sql.identifiers import object_name, quoted, quoted_table

SAMPLED_ROWS = 300
"""Rows that ANALYZE reads for each unit of the statistics target (std_typanalyze in analyze.c)."""
EXPRESSIONS_SINCE = 140_000
"""The first version_num with CREATE STATISTICS on expressions."""


def lock_of(table: Table) -> str:
    """What ANALYZE, CREATE STATISTICS and SET STATISTICS lock."""
    return f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on"


def sample_cost(target: int) -> str:
    """What a statistics target costs."""
    return f"each ANALYZE of the table reads {SAMPLED_ROWS * target:,} rows instead of {SAMPLED_ROWS * 100:,}"


def analyze(table: Table, text: str) -> Remedy:
    """ANALYZE of the table."""
    sql = f"ANALYZE {quoted_table(table)};"
    return Remedy(text=text, sql=sql, lock=lock_of(table), cost="reads a sample of the table")


def analyze_more_often(table: Table, text: str) -> Remedy:
    """ANALYZE now, and from now on after changes of one percent."""
    name = quoted_table(table)
    old = next((each.partition("=")[2] for each in table.options if each.startswith(f"{_SCALE}=")), None)
    if old is not None and float(old) <= OFTEN:
        return analyze(table, text)
    return Remedy(
        text=text,
        sql=f"ANALYZE {name};\nALTER TABLE {name} SET ({_SCALE} = {OFTEN});",
        undo=f"ALTER TABLE {name} SET ({_SCALE} = {old});" if old else f"ALTER TABLE {name} RESET ({_SCALE});",
        lock=lock_of(table),
        cost="autovacuum reads a sample of the table after changes of 1 % of its rows instead of 10 %",
    )


_SCALE = "autovacuum_analyze_scale_factor"
OFTEN = 0.01


def longer_list(table: Table, columns: tuple[str, ...], target: int, text: str) -> Remedy:
    """More common values, and a finer histogram, of columns."""
    name = quoted_table(table)
    changes = [f"ALTER TABLE {name} ALTER COLUMN {quoted(each)} SET STATISTICS {target};" for each in columns]
    undo = [f"ALTER TABLE {name} ALTER COLUMN {quoted(each)} SET STATISTICS -1;" for each in columns]
    keys = ", ".join(map(quoted, columns))
    return Remedy(
        text=text,
        sql="\n".join([*changes, f"ANALYZE {name} ({keys});"]),
        undo="\n".join(undo),
        lock=lock_of(table),
        cost=sample_cost(target),
    )


def set_distinct(table: Table, column: str, value: str, text: str) -> Remedy:
    """The number of distinct values as it is, whatever ANALYZE's sample says."""
    name, key = quoted_table(table), quoted(column)
    return Remedy(
        text=text,
        sql=f"ALTER TABLE {name} ALTER COLUMN {key} SET (n_distinct = {value});\nANALYZE {name} ({key});",
        undo=f"ALTER TABLE {name} ALTER COLUMN {key} RESET (n_distinct);\nANALYZE {name} ({key});",
        lock=lock_of(table),
        cost="none; the number has to be looked at again when the column's values change much",
    )


def create_statistics(
    table: Table, keys: tuple[str, ...], label: tuple[str, ...], kinds: tuple[str, ...], target: int | None, text: str
) -> Remedy:
    """An object of extended statistics on columns or expressions (`keys`, as SQL), filled by ANALYZE.

    `label`: what its name is made of; `kinds`: empty for one expression; `target`: None for the table's own.
    """
    taken = frozenset(each.name for each in table.extended_statistics)
    name = f"{quoted(table.schema)}.{quoted(object_name(table.name, label, 'stat', taken))}"
    on = quoted_table(table)
    of = f" ({', '.join(kinds)})" if kinds else ""
    steps = [f"CREATE STATISTICS {name}{of} ON {', '.join(keys)} FROM {on};"]
    if target is not None:
        steps.append(f"ALTER STATISTICS {name} SET STATISTICS {target};")
    return Remedy(
        text=text,
        sql="\n".join([*steps, f"ANALYZE {on};"]),
        undo=f"DROP STATISTICS {name};",
        lock=lock_of(table),
        cost=sample_cost(target) if target else "each ANALYZE of the table takes a little longer",
    )


def longer_statistics(table: Table, found: ExtendedStatistics, target: int, text: str) -> Remedy:
    """More combinations in an object that is there."""
    name = f"{quoted(found.schema or table.schema)}.{quoted(found.name)}"
    return Remedy(
        text=text,
        sql=f"ALTER STATISTICS {name} SET STATISTICS {target};\nANALYZE {quoted_table(table)};",
        undo=f"ALTER STATISTICS {name} SET STATISTICS -1;",
        lock=lock_of(table),
        cost=sample_cost(target),
    )
