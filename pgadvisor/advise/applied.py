"""Whether the index that a remedy asked for is there now."""

from collections.abc import Sequence

from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.finding import Remedy
from pgadvisor.sql.canonical import canonical, canonical_node
from pgadvisor.sql.parse import Node, Unread, parse_tree

_AROUND_INDEXES = frozenset(("IndexStmt", "CreateExtensionStmt", "AlterTableStmt"))
"""What a remedy holds that makes an index and nothing else: its extension, and ALTER INDEX … ATTACH PARTITION."""


def applied_index(remedy: Remedy, tables: Sequence[Table]) -> str | None:
    """`schema.index` of a valid index that does what the remedy's CREATE INDEX would, whatever its name."""
    statements = parse_tree(remedy.sql or "")
    if isinstance(statements, Unread) or not all(_AROUND_INDEXES.issuperset(each["stmt"]) for each in statements):
        return None
    for statement in filter(None, (each["stmt"].get("IndexStmt") for each in statements)):
        relation = statement["relation"]
        table = next((each for each in tables if _is(each, relation)), None)
        found = next((index for index in table.indexes if _serves(index, statement)), None) if table else None
        if found is not None:
            return f"{found.schema}.{found.name}"
    return None


def _is(table: Table, relation: Node) -> bool:
    return (table.schema, table.name) == (relation.get("schemaname", "public"), relation["relname"])


def _serves(index: Index, statement: Node) -> bool:
    """Whether its first keys are the statement's, in their order: in another it would serve other statements."""
    wanted = [_key(each["IndexElem"]) for each in statement.get("indexParams", ())]
    there = [key.column or canonical(key.text) for key in index.keys[: len(wanted)]]
    predicate = canonical_node(statement["whereClause"]) if "whereClause" in statement else None
    return (
        index.is_valid
        and _is_such(index, statement.get("accessMethod", "btree"))
        and there == wanted
        and (canonical(index.predicate) if index.predicate else None) == predicate
    )


def _is_such(index: Index, method: str) -> bool:
    """Of one key a hash index is proposed where only equality is asked for, and a btree serves that as well."""
    either = {"btree", "hash"} if len(index.keys) == 1 else set()
    return index.method == method or {index.method, method} <= either


def _key(element: Node) -> str:
    name: str | None = element.get("name")
    return name if name is not None else canonical_node(element["expr"])
