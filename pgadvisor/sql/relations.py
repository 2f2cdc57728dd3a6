"""FROM clauses: tables, joins, derived tables, functions."""

from collections.abc import Iterable

from pgadvisor.model.finding import Span
from pgadvisor.sql.drafts import Draft, Relation
from pgadvisor.sql.nodes import function_name, strings, unwrap
from pgadvisor.sql.parse import Node
from pgadvisor.sql.predicates import is_trivial, read_condition
from pgadvisor.sql.query import ColumnUse, JoinKind, Predicate, Value
from pgadvisor.sql.reading import Reading

_JOINS: dict[str, JoinKind] = {
    "JOIN_INNER": "inner",
    "JOIN_LEFT": "left",
    "JOIN_RIGHT": "right",
    "JOIN_FULL": "full",
}
_FUNCTION_COLUMNS: dict[str, tuple[str, ...]] = {
    "generate_series": (),
    "generate_subscripts": (),
    "unnest": (),
    "regexp_matches": (),
    "regexp_split_to_table": (),
    "string_to_table": (),
    "json_array_elements": ("value",),
    "jsonb_array_elements": ("value",),
    "json_array_elements_text": ("value",),
    "jsonb_array_elements_text": ("value",),
    "json_each": ("key", "value"),
    "jsonb_each": ("key", "value"),
    "json_each_text": ("key", "value"),
    "jsonb_each_text": ("key", "value"),
    "json_object_keys": (),
    "jsonb_object_keys": (),
    "jsonb_path_query": (),
}
"""Set-returning functions whose columns are known: the alias itself, and these."""


def read_from(reading: Reading, draft: Draft, items: Iterable[Node], first: JoinKind = "from") -> None:
    """Adds the relations of a FROM clause, and the predicates of its joins, to the draft."""
    join = first
    for item in items:
        _From(reading, draft).read(item, join)
        join = "comma"


def table_relation(reading: Reading, draft: Draft, body: Node) -> Relation:
    """The relation that a RangeVar names."""
    name, schema_name = body["relname"], body.get("schemaname")
    alias = body.get("alias", {}).get("aliasname", name)
    span = reading.extents.name(body.get("location"), 1 + bool(schema_name) + bool(body.get("catalogname")))
    renamed = strings(body.get("alias", {}).get("colnames", []))
    cte = None if schema_name else draft.cte(name)
    if cte:
        cte.draft.references += 1
        columns = _renamed(cte.columns, renamed)
        return Relation(alias=alias, kind="cte", inner=cte.draft.number, columns=columns, span=span)
    schema = reading.schema
    found = schema.find(schema_name, name)
    if found is None:
        written = f"{schema_name}.{name}" if schema_name else name
        return Relation(alias=alias, kind="table" if schema.is_empty else "unknown", table=written, span=span)
    known = schema.columns(found)
    return Relation(
        alias=alias,
        kind="view" if schema.is_view(found) else "table",
        table=found,
        columns=_renamed(known, renamed),
        renamed=dict(zip(renamed, known or (), strict=False)),
        span=span,
    )


class _From:
    """One item of a FROM clause, with all the joins in it."""

    def __init__(self, reading: Reading, draft: Draft) -> None:
        self._reading = reading
        self._draft = draft

    def read(self, node: Node, join: JoinKind) -> list[Relation]:
        """Adds the item's relations to the draft and returns them; `join` is how the first of them is joined."""
        kind, body = unwrap(node)
        if kind == "JoinExpr":
            return self._join(body, join)
        if kind == "RangeTableSample":
            relations = self.read(body["relation"], join)
            relations[0].is_sampled = True
            self._reading.enter(body.get("args"), self._draft, "other")
            return relations
        relation = self._relation(kind, body)
        relation.join = join
        self._draft.relations.append(relation)
        return [relation]

    def _relation(self, kind: str, body: Node) -> Relation:
        if kind == "RangeVar":
            return table_relation(self._reading, self._draft, body)
        if kind == "RangeSubselect":
            return self._subselect(body)
        if kind == "RangeFunction":
            return self._function(body)
        self._reading.enter([value for key, value in body.items() if key != "alias"], self._draft, "from")
        alias = body.get("alias", {}).get("aliasname", "")
        return Relation(alias=alias, kind="function", is_lateral=True)

    def _subselect(self, body: Node) -> Relation:
        reading, draft = self._reading, self._draft
        alias = body.get("alias", {}).get("aliasname", "")
        is_lateral = bool(body.get("lateral"))
        kind, query = unwrap(body["subquery"])
        inner = reading.add("from", draft, draft if is_lateral else draft.outer, alias or None)
        inner.facts["span"] = reading.extents.query(None, query)
        reading.read_into(kind, query, inner)
        columns = _renamed(inner.names, strings(body.get("alias", {}).get("colnames", [])))
        is_values = "valuesLists" in query
        return Relation(
            alias=alias,
            kind="values" if is_values else "subquery",
            columns=columns,
            inner=inner.number,
            is_lateral=is_lateral,
        )

    def _function(self, body: Node) -> Relation:
        self._reading.enter(body.get("functions"), self._draft, "from")
        calls = [unwrap(each["List"]["items"][0]) for each in body.get("functions", ())]
        name = function_name(calls[0][1]) if len(calls) == 1 and calls[0][0] == "FuncCall" else None
        alias = body.get("alias", {}).get("aliasname", name or "")
        named = strings(body.get("alias", {}).get("colnames", []))
        defined = tuple(each["ColumnDef"]["colname"] for each in body.get("coldeflist", ()))
        columns: tuple[str, ...] | None = None
        if defined:
            columns = defined
        elif named:
            columns = (*named, "ordinality") if body.get("ordinality") else named
        elif name in _FUNCTION_COLUMNS:
            columns = (alias, *_FUNCTION_COLUMNS[name], *(("ordinality",) if body.get("ordinality") else ()))
        return Relation(alias=alias, kind="function", columns=columns, is_lateral=True)

    def _join(self, body: Node, join: JoinKind) -> list[Relation]:
        left = self.read(body["larg"], join)
        using = strings(body.get("usingClause", []))
        condition = body.get("quals")
        kind = _JOINS.get(body.get("jointype", ""), "inner")
        if body.get("isNatural"):
            kind = "natural"
        elif kind == "inner" and not condition and not using:
            kind = "cross"
        right = self.read(body["rarg"], kind)
        head = right[0]
        head.has_condition = bool(using) or kind == "natural" or not is_trivial(condition)
        if condition:
            before = self._reading.uses(self._draft, head)
            read_condition(self._reading, self._draft, condition, "on")
            head.uses_in_own_condition = self._reading.uses(self._draft, head) - before
            self._note_condition(head, condition)
        spans = self._reading.extents.using(body["rarg"], using) if using else {}
        for column in using:
            self._using(column, left, head, right, spans.get(column))
        if kind == "natural":
            self._natural(left, head, right)
        if "alias" in body:
            self._alias(body["alias"], using, left, right)
        return [*left, *right]

    def _note_condition(self, head: Relation, condition: Node) -> None:
        """The aliases that the condition names, also in its subqueries."""
        named = [column.alias for column in self._reading.columns(condition) if column.scope == self._draft.number]
        for number in self._reading.subqueries(condition):
            outer = self._reading.drafts[number].correlated
            named.extend(column.alias for column in outer if column.scope == self._draft.number)
        head.conditions.extend(dict.fromkeys(each for each in named if each is not None and each != head.alias))

    def _using(
        self, column: str, left: list[Relation], head: Relation, right: list[Relation], span: Span | None
    ) -> None:
        """A column of USING: the predicate `left.column = right.column`."""
        candidates = (
            [each for each in left if each.has(column)] or [each for each in left if each.columns is None] or left
        )
        others = [each for each in right if each.has(column)] or [head]
        head.conditions.extend(each.alias for each in candidates if each.alias not in head.conditions)
        ours = self._use(column, candidates)
        theirs = self._use(column, others)
        self._draft.columns.update({ours: None, theirs: None})
        self._draft.predicates.append(
            Predicate(
                key=column,
                source=column,
                value=Value(kind="column", text=column, column=theirs, columns=(theirs,)),
                operator="=",
                column=ours,
                columns=(ours,),
                place="on",
                scope=self._draft.number,
                span=span,
            )
        )

    def _natural(self, left: list[Relation], head: Relation, right: list[Relation]) -> None:
        """NATURAL is USING the common columns; which they are is known with the schema alone."""
        if all(each.columns is not None for each in (*left, *right)):
            theirs = {column for each in right for column in each.columns or ()}
            ours = dict.fromkeys(column for each in left for column in each.columns or ())
            for column in ours:
                if column in theirs:
                    self._using(column, left, head, right, None)
            head.has_condition = bool(head.conditions)
        else:
            head.conditions.extend(each.alias for each in left)

    def _use(self, column: str, relations: list[Relation]) -> ColumnUse:
        number = self._draft.number
        if len(relations) > 1 and not relations[0].has(column):
            return ColumnUse(column=column, scope=number)
        return relations[0].column(column, number)

    def _alias(self, alias: Node, using: tuple[str, ...], left: list[Relation], right: list[Relation]) -> None:
        """`(a JOIN b) AS j`: names go through the alias, which is no relation to list."""
        sources = [(each, column) for each in (*left, *right) for column in each.columns or ()]
        is_known = not using and all(each.columns is not None for each in (*left, *right))
        names = _renamed(tuple(column for _, column in sources), strings(alias.get("colnames", [])))
        for each in (*left, *right):
            each.is_hidden = True
        self._draft.relations.append(
            Relation(
                alias=alias["aliasname"],
                kind="subquery",
                columns=(names or ()) if is_known else None,
                sources=dict(reversed(list(zip(names or (), sources, strict=False)))) if is_known else {},
                is_listed=False,
            )
        )


def _renamed(columns: tuple[str, ...] | None, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The columns after `AS alias (names)`."""
    if not names:
        return columns
    return (*names, *columns[len(names) :]) if columns is not None else names
