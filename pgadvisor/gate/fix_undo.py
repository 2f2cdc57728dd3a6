"""The way back of what safe forms make beside what a migration asked for."""

import re
from collections.abc import Iterable, Iterator

from pgadvisor.sql.identifiers import dotted_name, object_name, quoted

_NAME = r'(?:"(?:[^"]|"")*"|[\w.])+'
_INDEX = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX (?P<kind>CONCURRENTLY )?(?P<name>{_NAME} )?ON (?:ONLY )?(?P<table>{_NAME}) "
    r"\((?P<columns>[^()]*)\)\Z"
)
_UNDONE = (
    (re.compile(rf"ALTER TABLE ({_NAME}) ADD COLUMN (?:IF NOT EXISTS )?({_NAME})"), "ALTER TABLE {0} DROP COLUMN {1}"),
    (re.compile(rf"ALTER TABLE ({_NAME}) ADD CONSTRAINT ({_NAME})"), "ALTER TABLE {0} DROP CONSTRAINT {1}"),
    (re.compile(rf"CREATE FUNCTION ({_NAME})\(\)"), "DROP FUNCTION {0}()"),
    (re.compile(rf"CREATE TRIGGER ({_NAME}) [^$]*? ON ({_NAME})"), "DROP TRIGGER {0} ON {1}"),
    (re.compile(rf"CREATE VIEW ({_NAME}) "), "DROP VIEW {0}"),
)
_MOVED = re.compile(rf"ALTER TABLE ({_NAME}) (RENAME TO|SET SCHEMA) ({_NAME})\Z")


def named_index(statement: str) -> str:
    """The CREATE INDEX with the name that PostgreSQL would make up, where it has none."""
    found = _INDEX.match(statement)
    if found is None or found["name"]:
        return statement
    columns = [part for each in found["columns"].split(",") for part in dotted_name(each.strip())]
    table = dotted_name(found["table"])
    if not columns or not table:
        return statement
    name = quoted(object_name(table[-1], tuple(columns), "idx"))
    at = found.start("table") - len(re.search(r"ON (?:ONLY )?\Z", statement[: found.start("table")])[0])  # type: ignore[index]
    return f"{statement[:at]}{name} {statement[at:]}"


def dropped_index(statement: str) -> str | None:
    """The DROP INDEX of a CREATE INDEX as safe forms write it."""
    found = _INDEX.match(statement)
    if found is None or not found["name"]:
        return None
    schema = dotted_name(found["table"])[:-1]
    name = ".".join((*map(quoted, schema), found["name"].strip()))
    return f"DROP INDEX {found['kind'] or ''}IF EXISTS {name}"


def undone(statements: Iterable[str]) -> tuple[str, ...]:
    """What takes statements of a safe form back, the last one first; settings, batches and checks need nothing."""
    found = list(_undone(statements))
    gone = [each.partition(" DROP COLUMN ") for each in found]
    tables = {each[0] for each in gone if each[1]}
    kept = [each for each in found if " DROP CONSTRAINT " not in each or each.partition(" DROP CONSTRAINT ")[0]
            not in tables]  # fmt: skip
    return tuple(reversed(kept))


def _undone(statements: Iterable[str]) -> Iterator[str]:
    for each in statements:
        moved = _MOVED.match(each)
        if moved:
            yield _moved_back(moved[1], moved[2], moved[3])
            continue
        for pattern, back in _UNDONE:
            found = pattern.match(each)
            if found:
                yield back.format(*found.groups())
                break


def _moved_back(table: str, way: str, new: str) -> str:
    """The way back of a RENAME TO or SET SCHEMA."""
    *schema, name = dotted_name(table)
    if way == "SET SCHEMA":
        return f"ALTER TABLE {new}.{quoted(name)} SET SCHEMA {quoted(schema[0] if schema else 'public')}"
    return f"ALTER TABLE {'.'.join((*map(quoted, schema), new))} RENAME TO {quoted(name)}"
