"""What the server says of the things that statements name: functions, operators, types, casts, relations, policies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pgadvisor.collect.explain import attempt, planning
from pgadvisor.collect.reading import query
from pgadvisor.collect.safety_names import Name
from pgadvisor.collect.session import Row, Session, StatementError
from pgadvisor.model.record import Record

FIRST_USER_OID = 16_384
"""FirstNormalObjectId in src/include/access/transam.h: what initdb made has a smaller one."""

TRUSTED_EXTENSIONS = frozenset({
    "btree_gin", "btree_gist", "citext", "cube", "dict_int", "dict_xsyn", "earthdistance", "fuzzystrmatch",
    "h3", "hll", "hstore", "intagg", "intarray", "ip4r", "isn", "ltree", "pg_bigm", "pg_trgm", "pgcrypto",
    "postgis", "postgis_raster", "postgis_sfcgal", "postgis_topology", "prefix", "rum", "seg", "semver",
    "timescaledb", "unaccent", "unit", "uuid-ossp", "vector"
})  # fmt: skip
"""Extensions whose stable and immutable functions compute and do nothing else. Not among them: what runs SQL given as
text (tablefunc, xml2) or speaks to other servers (dblink)."""

HARMLESS = frozenset({
    "random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4", "uuidv7",
    "uuid_generate_v4", "gen_random_bytes"
})  # fmt: skip
"""Volatile because they give another value at each call, and without any other effect."""

NOT_HARMLESS = frozenset({
    "txid_current", "pg_current_xact_id", "table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema",
    "schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema", "database_to_xml",
    "database_to_xmlschema", "database_to_xml_and_xmlschema", "pg_input_is_valid", "pg_input_error_info",
    "domain_in", "domain_recv", "array_in", "array_recv", "record_in", "record_recv", "range_in", "range_recv",
    "multirange_in", "multirange_recv"
})  # fmt: skip
"""PostgreSQL's own that are marked stable although they use up a transaction number, read whole schemas, or read a
value of a type that is given by its name or number, whose domains' CHECKs they run."""

READS_VALUES = frozenset({
    "json_populate_record", "json_populate_recordset", "jsonb_populate_record", "jsonb_populate_recordset",
    "jsonb_populate_record_valid"
})  # fmt: skip
"""They make a row of the type of their argument, and run the CHECKs of its domains."""

_OURS = ("pg_catalog",)

Key = TypeVar("Key")
Value = TypeVar("Value")


class Function(Record):
    """A function of the server."""

    oid: int
    schema: str
    name: str
    volatility: str
    """`i`, `s` or `v`."""
    is_security_definer: bool
    language: str
    kind: str
    takes_row: bool
    """Of users, with one argument that may be a row: `u.full_name` may mean it."""
    extension: str | None
    body: str | None
    """Of a user's SQL function."""
    has_settings: bool
    has_user_defaults: bool
    """The default of an argument calls a function of users."""
    user_types: tuple[int, ...]
    """Types of its arguments and result that are not PostgreSQL's own."""

    @property
    def is_builtin(self) -> bool:
        """Whether PostgreSQL itself brings it."""
        return self.oid < FIRST_USER_OID

    @property
    def label(self) -> str:
        """Its name for a message."""
        return self.name if self.is_builtin else f"{self.schema}.{self.name}"


class Operator(Record):
    """An operator that is not PostgreSQL's own."""

    schema: str
    name: str
    function: int
    left_type: int
    right_type: int
    is_estimated: bool
    """The planner may call it with values of the statistics to estimate how many rows it keeps."""


class Cast(Record):
    """A cast through a function that is not PostgreSQL's own."""

    source_type: int
    target_type: int
    target_name: str
    function: int
    context: str
    """`e` only where it is written, `a` also in assignments, `i` anywhere."""


class UserDefinedType(Record):
    """A type that is not PostgreSQL's own."""

    oid: int
    schema: str
    name: str
    kind: str
    """As in `pg_type.typtype`."""
    inner_type: int
    """Of a domain its base type, of an array its element's type; 0: none."""
    extension: str | None
    checks: tuple[str, ...]
    """Of a domain: the expressions that each of its values must fulfil."""


class Relation(Record):
    """What a FROM may name."""

    oid: int
    schema: str
    name: str
    kind: str
    """As in `pg_class.relkind`."""
    has_row_security: bool
    has_foreign_child: bool
    is_readable: bool
    """Whether the role may SELECT from it."""
    user_types: tuple[int, ...]
    """Types of its columns that are not PostgreSQL's own."""
    has_computed_columns: bool
    """Of a view, or virtual: they may be constants to the planner."""
    has_rules: bool
    """A write to it does something else or more."""
    writing_functions: tuple[int, ...]
    """Functions that are not PostgreSQL's own in its defaults, generated columns and policies."""

    @property
    def label(self) -> str:
        """Its name for a message."""
        return self.name if self.schema in ("public", "pg_catalog") else f"{self.schema}.{self.name}"


class SafetyCatalog:
    """All of it, read once, and looked up along one search path."""

    def __init__(self, session: Session, search_path: Sequence[str]) -> None:
        """Raises StatementError when the server refuses.

        It is asked with a search path of `pg_catalog` alone: so no operator of a user stands in for one of ours, and
        the definitions of views, policies and domains come with the schemas of all that they name.
        """
        self._session = session
        path = [session.role if schema == "$user" else schema for schema in search_path]
        self._path = path if "pg_catalog" in path else ["pg_catalog", *path]
        self._views: dict[int, str | None] = {}
        with planning(session, _OURS):
            functions = [Function(**row) for row in self._rows("safety_functions")]
            operators = [Operator(**row) for row in self._rows("safety_operators")]
            self.casts = tuple(Cast(**row) for row in self._rows("safety_casts"))
            types = [UserDefinedType(**row) for row in self._rows("safety_types")]
            relations = [Relation(**row) for row in self._rows("safety_relations")]
            self.policies = _grouped((row["oid"], row["expression"]) for row in self._rows("safety_policies"))
        self.function_by_oid = {each.oid: each for each in functions}
        self.type_by_oid = {each.oid: each for each in types}
        self._functions = _grouped(((each.schema, each.name), each) for each in functions)
        self._operators = _grouped(((each.schema, each.name), each) for each in operators)
        self._types = {(each.schema, each.name): each for each in types}
        self._relations = {(each.schema, each.name): each for each in relations}

    def _rows(self, name: str) -> list[Row]:
        rows = self._session.rows(query(name, self._session.version_num // 10_000))
        return [{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()} for row in rows]

    def functions(self, name: Name) -> tuple[Function, ...]:
        """All functions that a call of that name may mean."""
        return tuple(each for at in self._places(name) for each in self._functions.get(at, ()))

    def operators(self, name: Name) -> tuple[Operator, ...]:
        """All operators, PostgreSQL's own left out, that the name may mean."""
        return tuple(each for at in self._places(name) for each in self._operators.get(at, ()))

    def type(self, name: Name) -> UserDefinedType | None:
        """The type of that name; None: PostgreSQL's own, or none."""
        return next((self._types[at] for at in self._places(name) if at in self._types), None)

    def relation(self, name: Name) -> Relation | None:
        """The relation that the name means."""
        return next((self._relations[at] for at in self._places(name) if at in self._relations), None)

    def is_readable(self, name: Name) -> bool:
        """Whether the role may read what the name means; what is not found is no matter of privileges."""
        relation = self.relation(name)
        return relation is None or relation.is_readable

    def view(self, relation: Relation) -> str | None:
        """The SELECT of a view, all names with their schemas; None: it could not be read."""
        if relation.oid not in self._views:
            self._views[relation.oid] = self._read_view(relation.oid)
        return self._views[relation.oid]

    def _read_view(self, oid: int) -> str | None:
        ask = "SELECT pg_catalog.pg_get_viewdef($1::pg_catalog.oid) AS definition"
        try:
            with planning(self._session, _OURS):
                return str(attempt(self._session, lambda: self._session.rows(ask, (oid,)))[0]["definition"])
        except StatementError:
            return None

    def _places(self, name: Name) -> list[tuple[str, str]]:
        schema, bare = name
        return [(schema, bare)] if schema else [(each, bare) for each in self._path]


def _grouped(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, tuple[Value, ...]]:
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
