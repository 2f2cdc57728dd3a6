"""The steps that turn a plain table into one partitioned by time, the old table being its first partition.

No row is moved. A CHECK, validated while reads and writes go on, spares ATTACH the reading of the old table; indexes
and keys are made on the empty parent first, and ATTACH finds their equals on the old table.
"""

from datetime import date, datetime

from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import is_same
from pgadvisor.model.catalog import Column, Constraint, Index, Table
from pgadvisor.sql.identifiers import NAME_BYTES, object_name, quoted, quoted_table

_WAIT = "SET LOCAL lock_timeout = '2s';"
"""Who waits for an exclusive lock makes all others wait: rather fail, and try again."""
AHEAD = 3
"""Months of partitions made at once; a job has to make the next ones."""


def obstacles(facts: Facts, table: Table, column: Column) -> tuple[str, ...]:
    """What stands in the way, as clauses: each needs a decision that no script can make."""
    primary = table.primary_key
    found = []
    for index in table.indexes:
        is_key = index.is_unique and not index.is_primary
        if index.is_exclusion or (is_key and column.name not in index.columns):
            found.append(f"{index.name} must stay unique over all partitions, which needs {column.name} in it")
    for other, constraint in facts.foreign_keys_to(table.qualified):
        found.append(f"{constraint.name} of {other.label} references it and would have to hold {column.name} as well")
    found.extend(f"trigger {trigger.name} has to be made again on the parent" for trigger in table.triggers)
    if table.has_row_security:
        found.append("its row security policies have to be made again on the parent")
    found.extend(
        f"view {view.name} would go on reading the old table"
        for view in facts.snapshot.views
        if _reads(view.definition, table)
    )
    if primary and any(not index.is_valid for index in table.indexes):
        found.append("one of its indexes is invalid")
    return tuple(found)


def migration(facts: Facts, table: Table, column: Column) -> str:
    """Whole SQL of the change; meant for a table without obstacles."""
    return "\n".join(
        [*_promise(facts, table, column), *_new_key(facts, table, column), *_exchange(facts, table, column)]
    )


def undo(facts: Facts, table: Table, column: Column) -> str:
    """What leads back; rows that have come into the new partitions are copied."""
    parent, old = quoted_table(table), _old_table(table)
    written = ", ".join(quoted(each.name) for each in table.columns if not each.is_generated)
    return "\n".join(
        [
            "-- Nobody reads or writes the table meanwhile: first see how many rows the new partitions hold.",
            "BEGIN;",
            _WAIT,
            f"ALTER TABLE {parent} DETACH PARTITION {old};",
            f"ALTER TABLE {old} DROP CONSTRAINT {quoted(_check_name(table))};",
            f"INSERT INTO {old} ({written}) SELECT {written} FROM {parent};",
            *_numbered(facts, table, old, old),
            f"DROP TABLE {parent};",
            f"ALTER TABLE {old} RENAME TO {quoted(table.name)};",
            *_named_as_before(facts, table),
            "COMMIT;",
            f"-- What stays: {quoted(column.name)} is NOT NULL and in the primary key.",
        ]
    )


def _named_as_before(facts: Facts, table: Table) -> list[str]:
    schema, primary = quoted(table.schema), table.primary_key
    key = _shortened(f"{_old_name(table)}_pkey")
    names = [(_shortened(f"{index.name}_old"), index.name) for index in _plain_indexes(facts, table)]
    return [
        f"ALTER INDEX {schema}.{quoted(old)} RENAME TO {quoted(name)};"
        for old, name in [*names, *([(key, primary.name)] if primary else [])]
    ]


def _promise(facts: Facts, table: Table, column: Column) -> list[str]:
    """A CHECK that says what the old table holds."""
    name, check = quoted_table(table), quoted(_check_name(table))
    cut, key = _literal(column, _months(facts)[0]), quoted(column.name)
    steps = [
        "-- 1. Promise what the old table holds: reads it once, while reads and writes go on.",
        *_alone(f"ALTER TABLE {name} ADD CONSTRAINT {check} CHECK ({key} IS NOT NULL AND {key} < {cut}) NOT VALID;"),
        f"ALTER TABLE {name} VALIDATE CONSTRAINT {check};",
    ]
    if not column.not_null:
        steps += _alone(f"ALTER TABLE {name} ALTER COLUMN {key} SET NOT NULL;")
    return steps


def _alone(statement: str) -> list[str]:
    """The statement in a transaction that does not wait for long."""
    return ["BEGIN;", _WAIT, statement, "COMMIT;"]


def _new_key(facts: Facts, table: Table, column: Column) -> list[str]:
    """A unique index with the partition key in it, for the primary key to come."""
    primary = table.primary_key
    if primary is None or column.name in primary.columns:
        return []
    name = quoted(_key_name(facts, table, primary, column))
    return [
        "-- 2. A primary key must hold the partition key.",
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {quoted_table(table)} ({_key_columns(primary, column)});",
    ]


def _exchange(facts: Facts, table: Table, column: Column) -> list[str]:
    """The old table becomes a partition of the new one, in one transaction."""
    schema, parent = quoted(table.schema), quoted_table(table)
    old = _old_table(table)
    months = _months(facts)
    bounds = [_literal(column, month) for month in months]
    return [
        "-- 3. Exchange them; ATTACH reads nothing, thanks to the CHECK.",
        "BEGIN;",
        _WAIT,
        *_exchanged_key(facts, table, column),
        f"ALTER TABLE {parent} RENAME TO {quoted(_old_name(table))};",
        *(_renamed(index, schema) for index in _plain_indexes(facts, table)),
        f"CREATE TABLE {parent} (LIKE {old} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE) "
        f"PARTITION BY RANGE ({quoted(column.name)});",
        *_parent_keys(table, column, parent),
        *_without_identity(table, old),
        *_numbered(facts, table, parent, old),
        *(f"{index.definition};" for index in _plain_indexes(facts, table)),
        *(
            f"CREATE TABLE {schema}.{quoted(f'{table.name}_{month:%Y_%m}')} PARTITION OF {parent} "
            f"FOR VALUES FROM ({start}) TO ({end});"
            for month, start, end in zip(months, bounds, bounds[1:], strict=False)
        ),
        f"ALTER TABLE {parent} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ({bounds[0]});",
        "COMMIT;",
        "-- 4. Instead of deleting: detach and drop a partition when all of it is too old.",
    ]


def _exchanged_key(facts: Facts, table: Table, column: Column) -> list[str]:
    """The old table's primary key gives its place to the wider one, and its name to the parent's."""
    primary, name = table.primary_key, quoted_table(table)
    if primary is None:
        return []
    old_key = quoted(_shortened(f"{_old_name(table)}_pkey"))
    if column.name in primary.columns:
        return [f"ALTER TABLE {name} RENAME CONSTRAINT {quoted(primary.name)} TO {old_key};"]
    return [
        f"ALTER TABLE {name} DROP CONSTRAINT {quoted(primary.name)};",
        f"ALTER TABLE {name} ADD CONSTRAINT {old_key} "
        f"PRIMARY KEY USING INDEX {quoted(_key_name(facts, table, primary, column))};",
    ]


def _parent_keys(table: Table, column: Column, parent: str) -> list[str]:
    """Keys and checks, which LIKE leaves out."""
    made = []
    for constraint in table.constraints:
        name = quoted(constraint.name)
        if constraint.kind == "primary key":
            keys = _key_columns(constraint, column)
            made.append(f"ALTER TABLE {parent} ADD CONSTRAINT {name} PRIMARY KEY ({keys});")
        elif constraint.kind in ("check", "foreign key") and constraint.is_validated:
            made.append(f"ALTER TABLE {parent} ADD CONSTRAINT {name} {constraint.definition};")
    return made


def _without_identity(table: Table, old: str) -> list[str]:
    """A partition may not have identity columns of its own."""
    names = [quoted(column.name) for column in table.columns if column.is_identity]
    return [f"ALTER TABLE {old} ALTER COLUMN {name} DROP IDENTITY;" for name in names]


def _numbered(facts: Facts, table: Table, numbering: str, old: str) -> list[str]:
    """The table that hands out numbers from now on: identity columns made anew, sequences made its own."""
    made = []
    for column in table.columns:
        name = quoted(column.name)
        if column.is_identity:
            sequence = f"pg_get_serial_sequence({_text(numbering)}, {_text(column.name)})"
            made.append(f"ALTER TABLE {numbering} ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY;")
            made.append(f"SELECT setval({sequence}, (SELECT coalesce(max({name}), 1) FROM {old}));")
            continue
        for each in facts.snapshot.sequences:
            if each.owned_by == f"{table.qualified}.{column.name}":
                sequence = f"{quoted(each.schema)}.{quoted(each.name)}"
                made.append(f"ALTER SEQUENCE {sequence} OWNED BY {numbering}.{name};")
    return made


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _plain_indexes(facts: Facts, table: Table) -> list[Index]:
    """The table's indexes beside its primary key; of equal ones the first."""
    found: list[Index] = []
    for index in table.indexes:
        if not index.is_primary and index.is_valid and not any(is_same(facts, index, other) for other in found):
            found.append(index)
    return found


def _renamed(index: Index, schema: str) -> str:
    old = quoted(_shortened(f"{index.name}_old"))
    return f"ALTER INDEX {schema}.{quoted(index.name)} RENAME TO {old};"


def _key_columns(primary: Constraint, column: Column) -> str:
    return ", ".join(quoted(each) for each in dict.fromkeys((*primary.columns, column.name)))


def _key_name(facts: Facts, table: Table, primary: Constraint, column: Column) -> str:
    taken = frozenset(index.name for index in table.indexes)
    return object_name(table.name, (*primary.columns, column.name), "key", taken)


def _old_table(table: Table) -> str:
    return f"{quoted(table.schema)}.{quoted(_old_name(table))}"


def _old_name(table: Table) -> str:
    return _shortened(f"{table.name}_old")


def _check_name(table: Table) -> str:
    return _shortened(f"{table.name}_old_range")


def _shortened(name: str) -> str:
    return name.encode()[-NAME_BYTES:].decode(errors="ignore")


def _months(facts: Facts) -> list[date]:
    """Starts of the months from the second after the collection: the first is the border of the old table."""
    seen: datetime = facts.snapshot.collected_at
    first = seen.year * 12 + seen.month + 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(first, first + AHEAD + 1)]


def _literal(column: Column, day: date) -> str:
    """The start of a day as a literal that no session's time zone changes."""
    if column.type == "timestamp with time zone":
        return f"'{day:%Y-%m-%d} 00:00:00+00'"
    return f"'{day:%Y-%m-%d}'"


def _reads(definition: str, table: Table) -> bool:
    words = definition.replace('"', " ").replace(".", " ").replace("(", " ").replace(",", " ").replace(";", " ").split()
    return table.name in words
