"""A candidate from a CREATE INDEX that a person wrote."""

from collections.abc import Sequence
from typing import cast, get_args

from pgadvisor.candidates.candidate import Candidate, CandidateKey, IndexMethod
from pgadvisor.candidates.existing import collated
from pgadvisor.candidates.expressions import key_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Table
from pgadvisor.sql.canonical import canonical_node
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.nodes import find, function_name, parts, strings, unwrap
from pgadvisor.sql.parse import Node, Unread, parse

_DEFAULTS = """
    text varchar bpchar int2 int4 int8 float4 float8 numeric bool date time timetz timestamp timestamptz interval uuid
    jsonb array tsvector range enum inet bytea money citext oid
"""
DEFAULT_CLASSES = frozenset(f"{name}_ops" for name in _DEFAULTS.split())
"""Classes that a type has without being asked, of B-tree, hash, GIN and GiST."""


def read_candidate(facts: Facts, definition: str) -> Candidate | Unread:
    """The index that a CREATE INDEX with a schema makes; why it is none, or none that can be compared."""
    parsed = parse(definition)
    if isinstance(parsed, Unread):
        return parsed
    if parsed.kind != "IndexStmt":
        return Unread(reason="it is not a CREATE INDEX")
    body = parsed.body
    method = body.get("accessMethod", "btree")
    if method not in get_args(IndexMethod):
        return Unread(reason=f"access method {method} is not known")
    more = [each["IndexElem"] for each in body.get("indexIncludingParams", ())]
    if any("name" not in each for each in more):
        return Unread(reason="INCLUDE takes columns alone")
    if "schemaname" not in body["relation"]:
        return Unread(reason="it does not say the table's schema")
    table = _table(facts, f"{body['relation']['schemaname']}.{body['relation']['relname']}")
    if isinstance(table, Unread):
        return table
    where = body.get("whereClause")
    return Candidate(
        schema=table.schema,
        table_name=table.name,
        keys=tuple(_key(facts, table, each["IndexElem"]) for each in body.get("indexParams", ())),
        method=cast(IndexMethod, method),
        included=tuple(each["name"] for each in more),
        predicate=_predicate(where) if where else None,
        predicate_columns=_columns(where) if where else (),
        is_unique=bool(body.get("unique")),
    )


def _table(facts: Facts, name: str) -> Table | Unread:
    """The table of that name; a partition has what its parent has, and the workload is told of that."""
    table = facts.table(name)
    if table is None:
        return Unread(reason=f"there is no table {name}")
    if table.partition_of is not None:
        return Unread(reason=f"{name} is a partition: ask about an index on {table.partition_of}")
    return table


def _key(facts: Facts, table: Table, element: Node) -> CandidateKey:
    is_descending = element.get("ordering") == "SORTBY_DESC"
    nulls = element.get("nulls_ordering")
    is_first = is_descending if nulls in (None, "SORTBY_NULLS_DEFAULT") else nulls == "SORTBY_NULLS_FIRST"
    operator_class = _class(strings(element.get("opclass", [])))
    key: str = element["name"] if "name" in element else canonical_node(element["expr"])
    columns: tuple[str, ...] = (key,) if "name" in element else _columns(element["expr"])
    text, label = quoted(key), key
    if "expr" in element:
        known = key_of(facts, table, key)
        text = known.text if known else f"({key})"
        kind, inner = unwrap(element["expr"])
        label = function_name(inner) if kind == "FuncCall" else "expr"
    collation = next(iter(strings(element.get("collation", []))[-1:]), None)
    column = table.column(key)
    if column is not None and column.collation == collation:
        collation = None
    return CandidateKey(text=text, key=collated(key, collation), columns=columns, label=label,
                        operator_class=operator_class, is_descending=is_descending, is_nulls_first=is_first,
                        collation=collation)  # fmt: skip


def _class(names: Sequence[str]) -> str | None:
    """By its bare name, as the catalog is read; None for the default of a type."""
    name = names[-1] if names else None
    return None if name in DEFAULT_CLASSES else name


def _predicate(where: Node) -> str:
    """In the spelling of candidates: conjuncts sorted, without parentheses around those that need none."""
    kind, body = unwrap(where)
    if kind != "BoolExpr" or body.get("boolop") != "AND_EXPR":
        return canonical_node(where)
    return " AND ".join(sorted(_conjunct(each) for each in body["args"]))


def _conjunct(node: Node) -> str:
    kind, body = unwrap(node)
    is_either = kind == "BoolExpr" and body.get("boolop") == "OR_EXPR"
    return f"({canonical_node(node)})" if is_either else canonical_node(node)


def _columns(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parts(each)[-1] for each in find(node, "ColumnRef")))
