"""Schemas, extensions, collations, types and sequences of a twin, and what stands for those that cannot be had."""

from collections.abc import Iterable, Iterator

import psycopg

from pgadvisor.model.catalog import Collation, Extension, Function, Table, TextSearch, UserType, View
from pgadvisor.model.catalog import Sequence as UserSequence
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_schema_steps import Step
from pgadvisor.planner.twin_schema_text import bare_type, literal, name_parts, named
from pgadvisor.sql.identifiers import quoted

SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
HARMLESS = frozenset(
    (
        "address_standardizer", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dict_int", "earthdistance",
        "fuzzystrmatch", "hll", "hstore", "intagg", "intarray", "ip4r", "isn", "ltree", "pg_bigm", "pg_trgm",
        "pg_uuidv7", "pgcrypto", "plpgsql", "postgis", "postgis_tiger_geocoder", "postgis_topology", "prefix",
        "roaringbitmap", "rum", "seg", "semver", "tablefunc", "tdigest", "tsm_system_rows", "tsm_system_time",
        "unaccent", "uuid-ossp", "vector",
    )
)  # fmt: skip
"""Extensions that give types, operators and functions to plan with, and reach nothing outside the database. All others
stay out: the planner runs functions, and those of dblink log in elsewhere."""
NON_C_LOCALES = ("C.UTF-8", "en_US.UTF-8")
"""Locales of nearly every Linux and of macOS. To the planner they are like any other: only for C itself may an index
serve LIKE and may bytes be compared in place of letters."""


def schemas_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Every schema that anything stands in."""
    holders: tuple[Table | View | UserType | UserSequence | Function | Collation | TextSearch | Extension, ...] = (
        *snapshot.tables, *snapshot.views, *snapshot.types, *snapshot.sequences, *snapshot.functions,
        *snapshot.collations, *snapshot.text_searches, *snapshot.extensions,
    )  # fmt: skip
    names = dict.fromkeys(("public", *snapshot.search_path, *(each.schema for each in holders)))
    return tuple(name for name in names if not name.startswith("pg_") and name not in SYSTEM_SCHEMAS)


def schema_steps(snapshot: Snapshot, owner: str) -> Iterator[Step]:
    """The schemas, open to the role that makes what stands in them."""
    for name in schemas_of(snapshot):
        yield Step(kind="schema", subject=name, texts=(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}",), makes=name)
        text = f"GRANT ALL ON SCHEMA {quoted(name)} TO {quoted(owner)}"
        yield Step(kind="schema", subject=name, texts=(text,), needs=name)


def opening_steps(snapshot: Snapshot, owner: str) -> Iterator[Step]:
    """The tables of extensions, open to that role as to a superuser."""
    for name in schemas_of(snapshot):
        text = f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(name)} TO {quoted(owner)}"
        yield Step(kind="schema", subject=name, texts=(text,))


def extension_steps(
    connection: psycopg.Connection, snapshot: Snapshot
) -> tuple[list[Step], tuple[str, ...], tuple[str, ...]]:
    """Steps for the extensions that are at hand and do no harm, the names of those not at hand, and of those refused. A
    superuser makes them: no other comes with one of them."""
    rows = connection.execute("SELECT name FROM pg_catalog.pg_available_extensions").fetchall()
    at_hand = {str(name) for (name,) in rows}
    steps = [
        Step(
            kind="extension",
            subject=each.name,
            texts=(
                f"CREATE EXTENSION IF NOT EXISTS {quoted(each.name)} SCHEMA {quoted(each.schema)}",
                f"CREATE EXTENSION IF NOT EXISTS {quoted(each.name)}",
            ),
        )
        for each in snapshot.extensions
        if each.name in at_hand & HARMLESS
    ]
    lacking = tuple(each.name for each in snapshot.extensions if each.name not in at_hand)
    return steps, lacking, tuple(each.name for each in snapshot.extensions if each.name in at_hand - HARMLESS)


def collation_steps(connection: psycopg.Connection, snapshot: Snapshot) -> Iterator[Step]:
    """The collations that the twin lacks; where the system has not their locale, another like it in what counts."""
    rows = connection.execute(
        "SELECT n.nspname, l.collname FROM pg_catalog.pg_collation AS l"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace"
        " WHERE l.collencoding IN (-1, pg_catalog.pg_char_to_encoding('UTF8'))"
    )
    at_hand = set(rows.fetchall())
    for each in snapshot.collations:
        if (each.schema, each.name) not in at_hand:
            name = named(each.schema, each.name)
            yield Step(
                kind="collation",
                subject=f"{each.schema}.{each.name}",
                texts=tuple(f"CREATE COLLATION {name} ({options})" for options in _options(each)),
            )


def _options(collation: Collation) -> Iterator[str]:
    locale = literal(collation.locale)
    deterministic = "" if collation.is_deterministic else ", DETERMINISTIC = false"
    yield f"PROVIDER = {collation.provider}, LOCALE = {locale}{deterministic}"
    if collation.provider != "builtin" and not is_c(collation.locale):
        yield from (f"PROVIDER = libc, LOCALE = {literal(name)}" for name in NON_C_LOCALES)
    yield "PROVIDER = libc, LOCALE = 'C'"


def is_c(locale: str) -> bool:
    """Whether texts are compared by their bytes."""
    return locale in ("C", "POSIX")


_TEXT_SEARCHES = """
SELECT n.nspname, c.cfgname, 'configuration'
FROM pg_catalog.pg_ts_config AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.cfgnamespace
UNION ALL
SELECT n.nspname, d.dictname, 'dictionary'
FROM pg_catalog.pg_ts_dict AS d JOIN pg_catalog.pg_namespace AS n ON n.oid = d.dictnamespace
"""


def text_search_steps(connection: psycopg.Connection, wanted: Iterable[TextSearch]) -> Iterator[Step]:
    """Configurations and dictionaries that the twin lacks, each as the simplest of its kind: of texts there are none,
    and what is known of their words is in the statistics."""
    at_hand = set(connection.execute(_TEXT_SEARCHES).fetchall())
    for each in wanted:
        if (each.schema, each.name, each.kind) not in at_hand:
            origin = "COPY = pg_catalog.simple" if each.kind == "configuration" else "TEMPLATE = pg_catalog.simple"
            text = f"CREATE TEXT SEARCH {each.kind.upper()} {named(each.schema, each.name)} ({origin})"
            yield Step(kind=f"text search {each.kind}", subject=f"{each.schema}.{each.name}", texts=(text,))


def type_steps(types: Iterable[UserType]) -> Iterator[Step]:
    """The types of users. Checks of domains are left out: they change no plan, and values would have to pass them."""
    for each in types:
        text = f"{'CREATE DOMAIN' if each.kind == 'domain' else 'CREATE TYPE'} {named(each.schema, each.name)} "
        match each.kind:
            case "enum":
                text += f"AS ENUM ({', '.join(map(literal, each.labels))})"
            case "domain":
                text += f"AS {each.base}{f' COLLATE {each.collation}' if each.collation else ''}"
            case "composite":
                text += f"AS ({', '.join(each.fields)})"
            case "range":
                text += f"AS RANGE (SUBTYPE = {each.base})"
        yield Step(kind="type", subject=f"{each.schema}.{each.name}", texts=(text,))


def stand_in_types(
    connection: psycopg.Connection, snapshot: Snapshot, missing_extensions: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Schema and name of the types that columns need and nobody here has: those of extensions that are missing."""
    relations: tuple[Table | View, ...] = (*snapshot.tables, *snapshot.views)
    own = {(each.schema, each.name) for each in (*relations, *snapshot.types)}
    lacking = (each for each in snapshot.functions if each.extension in missing_extensions)
    schema_of = {each.name: each.schema for each in snapshot.extensions}
    found: dict[tuple[str, str], None] = {}
    for name in dict.fromkeys(map(bare_type, _types_in_use(snapshot, lacking))):
        parts = name_parts(name)
        if parts is None or parts in own or _is_known(connection, name):
            continue
        schema = parts[0] or schema_of.get(parts[1]) or next(iter(snapshot.search_path), "public")
        if (schema, parts[1]) not in own and schema not in SYSTEM_SCHEMAS:
            found[schema, parts[1]] = None
    return tuple(found)


def _types_in_use(snapshot: Snapshot, functions: Iterable[Function]) -> Iterator[str]:
    yield from (column_type(table, place) for table in snapshot.tables for place in range(len(table.columns)))
    for each in snapshot.types:
        yield from (each.base,) if each.base else ()
    for function in functions:
        yield from function.argument_types


def column_type(table: Table, place: int) -> str:
    """The type of a column, with its schema where that is known."""
    column = table.columns[place]
    return column.type if column.type_schema is None else f"{quoted(column.type_schema)}.{column.type}"


def _is_known(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT pg_catalog.to_regtype(%s) IS NOT NULL", (name,)).fetchone()
    return row is not None and bool(row[0])


def stand_in_steps(names: Iterable[tuple[str, str]]) -> Iterator[Step]:
    """A missing type becomes a domain over text: of the same kind of length, and any value can be read into it."""
    for schema, name in names:
        yield Step(
            kind="type", subject=f"{schema}.{name}", texts=(f"CREATE DOMAIN {named(schema, name)} AS pg_catalog.text",)
        )


def sequence_steps(snapshot: Snapshot) -> Iterator[Step]:
    """The sequences that defaults and statements name; those of identity columns come with their tables."""
    identities = {f"{t.qualified}.{column.name}" for t in snapshot.tables for column in t.columns if column.is_identity}
    for each in snapshot.sequences:
        if each.owned_by in identities:
            continue
        text = f"CREATE SEQUENCE IF NOT EXISTS {named(each.schema, each.name)} AS {each.type}"
        yield Step(kind="sequence", subject=f"{each.schema}.{each.name}", texts=(text,))
