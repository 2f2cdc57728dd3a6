"""What all parts of reading a statement share: its text, the schema, the drafts, and values."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pgadvisor.model.finding import Span
from pgadvisor.sql.canonical import canonical_node
from pgadvisor.sql.drafts import Draft, Relation
from pgadvisor.sql.extents import Extents
from pgadvisor.sql.nodes import constant, find, function_name, parts, type_name, unwrap, walk
from pgadvisor.sql.parse import Node
from pgadvisor.sql.query import ColumnUse, Place, Value
from pgadvisor.sql.schema import Schema, is_relabelling

MOST_ITEMS = 1_000
"""Items of a list that are kept."""
_PATTERN_CALLS = frozenset(("like_escape", "similar_to_escape"))

ReadQuery = Callable[["Reading", str, Node, Draft], None]
"""Reads a statement (its node kind and body) into an empty draft."""


class Reading:
    """One statement being read."""

    def __init__(self, extents: Extents, schema: Schema, read: ReadQuery) -> None:
        self.extents = extents
        self.schema = schema
        self.drafts: list[Draft] = []
        self._read = read
        self._disjunctions = 0
        self._columns: dict[int, ColumnUse] = {}
        self._subqueries: dict[int, Draft] = {}
        self._uses: Counter[tuple[int, str | None]] = Counter()

    def add(self, place: Place, parent: Draft | None, outer: Draft | None, name: str | None = None) -> Draft:
        """A new draft."""
        draft = Draft(number=len(self.drafts), parent=parent, outer=outer, place=place, name=name)
        self.drafts.append(draft)
        return draft

    def disjunction(self) -> int:
        """The number of a new OR."""
        self._disjunctions += 1
        return self._disjunctions - 1

    def read_into(self, kind: str, body: Node, draft: Draft) -> None:
        """Reads a statement into an empty draft."""
        self._read(self, kind, body, draft)

    def enter(self, node: Any, draft: Draft, place: Place) -> None:
        """Resolves the columns of an expression in its scope and reads its subqueries. Must come before all else."""
        if not node:
            return
        for kind, body in walk(node):
            if kind == "ColumnRef" and id(body) not in self._columns:
                self._enter_column(body, draft)
            elif kind == "SubLink" and id(body) not in self._subqueries:
                self._enter_subquery(body, draft, place)

    def _enter_column(self, body: Node, draft: Draft) -> None:
        name = parts(body)
        if name == ("*",):
            draft.columns.update((each.column("*", draft.number), None) for each in draft.relations if each.is_listed)
            self._uses[draft.number, None] += 1
            return
        use = draft.resolve(name)
        self._uses[use.scope, use.alias] += 1
        self._columns[id(body)] = use
        draft.columns[use] = None

    def uses(self, draft: Draft, relation: Relation) -> int:
        """How often the relation, or something that may be its, has been named so far."""
        return self._uses[draft.number, relation.alias] + self._uses[draft.number, None]

    def _enter_subquery(self, body: Node, draft: Draft, place: Place) -> None:
        inner = self.add(place, draft, draft)
        self._subqueries[id(body)] = inner
        kind, query = unwrap(body["subselect"])
        inner.facts["span"] = self.extents.query(body.get("location"), query)
        self.read_into(kind, query, inner)

    def subquery(self, sublink: Node) -> Draft:
        """The scope of a SubLink that was entered."""
        return self._subqueries[id(sublink)]

    def subqueries(self, node: Any) -> tuple[int, ...]:
        """The scopes of the subqueries in an expression."""
        return tuple(self._subqueries[id(body)].number for kind, body in walk(node) if kind == "SubLink")

    def column(self, node: Node | None) -> ColumnUse | None:
        """The column that a node is, when it is a bare one."""
        kind, body = unwrap(node or {})
        if kind != "ColumnRef" or parts(body)[-1] == "*":
            return None
        return self._columns.get(id(body))

    def columns(self, node: Any) -> tuple[ColumnUse, ...]:
        """The columns in an expression, each once, subqueries left out."""
        found = (self._columns.get(id(body)) for kind, body in walk(node) if kind == "ColumnRef")
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def type_of(self, column: ColumnUse | None) -> str | None:
        """The type of a column."""
        return None if column is None else self.schema.type_of(column.table, column.column)

    def is_relabelled(self, cast: Node) -> bool:
        """Whether a TypeCast of a bare column changes nothing."""
        known = self.type_of(self.column(cast["arg"]))
        return known is not None and is_relabelling(known, type_name(cast["typeName"]))

    def key(self, node: Node) -> str:
        """The canonical text, without casts around it that change nothing; as written where a subquery is in it."""
        kind, body = unwrap(node)
        if kind == "TypeCast" and self.is_relabelled(body):
            return self.key(body["arg"])
        if find(node, "SubLink"):
            return " ".join(self.source(node)[0].split())
        return canonical_node(node)

    def source(self, node: Node) -> tuple[str, Span | None]:
        """The text as written, canonical where its extent is not known, and the span."""
        span = self.extents.span(node)
        return self.extents.text(span) or canonical_node(node), span

    def value(self, node: Node) -> Value:
        """The other side of a predicate, a LIMIT or an OFFSET."""
        kind, body = unwrap(node)
        if kind == "TypeCast":
            return self._cast_value(node, body)
        if kind == "CollateClause" or (kind == "FuncCall" and function_name(body) in _PATTERN_CALLS):
            return self.value(body["arg"] if kind == "CollateClause" else body["args"][0])
        found = constant(node)
        if found is not None:
            text, written = found
            return (
                Value(kind="null", text="NULL") if written is None else Value(kind="constant", text=text, type=written)
            )
        text = self.source(node)[0]
        if kind == "ParamRef":
            return Value(kind="parameter", text=text)
        if kind == "SubLink" and body.get("subLinkType") in ("EXPR_SUBLINK", "ARRAY_SUBLINK"):
            return Value(kind="subquery", text=text, scope=self.subquery(body).number)
        if kind in ("List", "A_ArrayExpr", "RowExpr"):
            return self.list_value(body.get("items") or body.get("elements") or body.get("args") or [], text)
        column = self.column(node)
        columns = self.columns(node)
        return Value(kind="column" if column else "expression", text=text, column=column, columns=columns)

    def _cast_value(self, node: Node, body: Node) -> Value:
        inner, target = self.value(body["arg"]), type_name(body["typeName"])
        if inner.kind in ("constant", "parameter", "null", "list"):
            return msgspec.structs.replace(inner, type=target)
        if inner.kind == "column" and self.is_relabelled(body):
            return inner
        return Value(kind="expression", text=self.source(node)[0], type=target, columns=inner.columns)

    def list_value(self, nodes: list[Node], text: str) -> Value:
        """A list in parentheses or an ARRAY."""
        columns = _distinct(self.columns(node) for node in nodes[:MOST_ITEMS])
        items = tuple(self.value(node) for node in nodes[:MOST_ITEMS])
        return Value(kind="list", text=text, count=len(nodes), items=items, columns=columns)


def _distinct(columns: Iterable[tuple[ColumnUse, ...]]) -> tuple[ColumnUse, ...]:
    return tuple(dict.fromkeys(each for some in columns for each in some))
