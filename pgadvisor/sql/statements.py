"""SELECT, INSERT, UPDATE, DELETE, MERGE: from their trees to scopes."""

from typing import Any

from pgadvisor.sql.drafts import Cte, Draft, Relation
from pgadvisor.sql.nodes import (
    constant,
    has_aggregate,
    has_window,
    is_random,
    output_name,
    parts,
    strings,
    unwrap,
)
from pgadvisor.sql.parse import Node
from pgadvisor.sql.predicates import read_condition, read_tests
from pgadvisor.sql.query import ColumnUse, Output, QueryKind, SortKey
from pgadvisor.sql.reading import Reading
from pgadvisor.sql.relations import read_from, table_relation

KINDS: dict[str, QueryKind] = {
    "SelectStmt": "select",
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
}
_MATERIALIZED = {"CTEMaterializeAlways": True, "CTEMaterializeNever": False}
_SET_OPERATIONS = {"SETOP_UNION": "union", "SETOP_INTERSECT": "intersect", "SETOP_EXCEPT": "except"}


def read_statement(reading: Reading, kind: str, body: Node, draft: Draft) -> None:
    """Reads a statement into an empty draft."""
    _read_ctes(reading, draft, body.get("withClause", {}))
    if kind == "SelectStmt":
        _read_select(reading, draft, body)
        return
    draft.write = KINDS[kind]
    target = table_relation(reading, draft, body["relation"])
    target.is_target = True
    draft.relations.append(target)
    if kind == "InsertStmt":
        _read_insert(reading, draft, body, target)
    elif kind == "MergeStmt":
        _read_merge(reading, draft, body, target)
    else:
        _read_update(reading, draft, body, target)
    _read_outputs(reading, draft, _returning(body))


def _returning(body: Node) -> list[Node]:
    clause = body.get("returningClause") or {}
    return clause.get("exprs") or body.get("returningList") or []


# WITH


def _read_ctes(reading: Reading, draft: Draft, clause: Node) -> None:
    is_recursive = bool(clause.get("recursive"))
    expressions = [each["CommonTableExpr"] for each in clause.get("ctes", ())]
    made = [_new_cte(reading, draft, each, is_recursive) for each in expressions]
    for cte, body in zip(made, expressions, strict=True):
        kind, query = unwrap(body["ctequery"])
        cte.draft.facts["span"] = reading.extents.query(body.get("location"), query)
        own = cte.draft.references
        reading.read_into(kind, query, cte.draft)
        cte.columns = cte.columns or cte.draft.names
        cte.draft.facts["is_recursive"] = is_recursive and cte.draft.references > own and _names_itself(query, cte.name)
        draft.ctes[cte.name] = cte


def _new_cte(reading: Reading, draft: Draft, body: Node, is_recursive: bool) -> Cte:
    inner = reading.add("cte", draft, draft.outer, body["ctename"])
    inner.facts["is_materialized"] = _MATERIALIZED.get(body.get("ctematerialized", ""))
    cte = Cte(name=body["ctename"], draft=inner, columns=strings(body.get("aliascolnames", [])) or None)
    if is_recursive:
        # Siblings of a recursive WITH see each other, also forward.
        draft.ctes[cte.name] = cte
        inner.recursive = cte
    return cte


def _names_itself(node: Any, name: str) -> bool:
    """Whether a RangeVar of that name stands anywhere in the tree."""
    if isinstance(node, dict):
        own = node.get("RangeVar")
        if own and own.get("relname") == name and "schemaname" not in own:
            return True
        return any(_names_itself(value, name) for value in node.values() if isinstance(value, dict | list))
    return isinstance(node, list) and any(_names_itself(each, name) for each in node)


# SELECT


def _read_select(reading: Reading, draft: Draft, body: Node) -> None:
    operation = _SET_OPERATIONS.get(body.get("op", ""))
    if operation:
        _read_set_operation(reading, draft, body, operation)
    elif "valuesLists" in body:
        _read_values(reading, draft, body)
    else:
        _read_simple(reading, draft, body)
    _read_sort(reading, draft, body.get("sortClause", []))
    _read_limits(reading, draft, body)
    draft.facts["is_locking"] = bool(body.get("lockingClause"))


def _read_simple(reading: Reading, draft: Draft, body: Node) -> None:
    read_from(reading, draft, body.get("fromClause", []))
    _read_where(reading, draft, body)
    _read_outputs(reading, draft, body.get("targetList", []))
    _read_groups(reading, draft, body.get("groupClause", []))
    read_condition(reading, draft, body.get("havingClause"), "having")
    reading.enter(body.get("windowClause"), draft, "other")
    _read_distinct(reading, draft, body.get("distinctClause"))
    keys = [body.get(key) for key in ("havingClause", "sortClause")]
    draft.facts["has_aggregate"] = any(each.has_aggregate for each in draft.outputs) or has_aggregate(keys)
    draft.facts["has_window"] = any(each.has_window for each in draft.outputs) or has_window(keys)


def _read_where(reading: Reading, draft: Draft, body: Node) -> None:
    draft.facts["has_where"] = "whereClause" in body
    read_condition(reading, draft, body.get("whereClause"), "where")


def _read_set_operation(reading: Reading, draft: Draft, body: Node, operation: str) -> None:
    draft.set_operation = f"{operation} all" if body.get("all") else operation
    for arm in _arms(body):
        inner = reading.add("arm", draft, draft.outer)
        inner.facts["span"] = reading.extents.arm(arm) if arm.get("op") == "SETOP_NONE" else None
        read_statement(reading, "SelectStmt", arm, inner)
        if draft.names is None:
            draft.names = inner.names
        if draft.recursive is not None and draft.recursive.columns is None:
            draft.recursive.columns = inner.names


def _arms(body: Node) -> list[Node]:
    """The arms, those of a left arm with the same operation among them: `a UNION b UNION c` has three."""
    left, right = body["larg"], body["rarg"]
    is_same = left.get("op") == body.get("op") and left.get("all") == body.get("all")
    is_plain = not {"sortClause", "limitCount", "limitOffset", "withClause", "lockingClause"} & set(left)
    return [*(_arms(left) if is_same and is_plain else [left]), right]


def _read_values(reading: Reading, draft: Draft, body: Node) -> None:
    rows = [row["List"].get("items", []) for row in body["valuesLists"]]
    reading.enter(body["valuesLists"], draft, "values")
    draft.outputs = [_output(reading, {"val": value}) for value in rows[0]]
    draft.names = tuple(f"column{number}" for number in range(1, len(rows[0]) + 1))


def _read_distinct(reading: Reading, draft: Draft, clause: list[Node] | None) -> None:
    if clause is None:
        return
    keys = [each for each in clause if each]
    draft.facts["is_distinct"] = not keys
    draft.facts["distinct_on"] = tuple(_sort_key(reading, draft, each, prefers_output=True).key for each in keys)


def _read_limits(reading: Reading, draft: Draft, body: Node) -> None:
    for field, key in (("limit", "limitCount"), ("offset", "limitOffset")):
        node = body.get(key)
        if node and constant(node) != ("", None):
            reading.enter(node, draft, "other")
            draft.facts[field] = reading.value(node)


# Select lists


def _read_outputs(reading: Reading, draft: Draft, targets: list[Node]) -> None:
    names: list[str] | None = []
    for target in targets:
        body = target["ResTarget"]
        reading.enter(body["val"], draft, "select")
        output = _output(reading, body)
        draft.outputs.append(output)
        draft.targets.append(body)
        read_tests(reading, draft, body["val"])
        if output.is_star:
            stars = _star_columns(draft, output.star_of)
            names = None if names is None or stars is None else [*names, *stars]
        elif names is not None:
            names.append(output.alias or output_name(body["val"]) or "?column?")
    draft.names = None if names is None else tuple(names)


def _star_columns(draft: Draft, alias: str | None) -> list[str] | None:
    """The columns that a star stands for; None: not known."""
    named = [each for each in draft.relations if each.is_listed and alias in (None, each.alias)]
    if not named or any(each.columns is None or each.is_hidden for each in named):
        return None
    return [column for each in named for column in each.columns or ()]


def _output(reading: Reading, body: Node) -> Output:
    value = body["val"]
    kind, inner = unwrap(value)
    text, span = reading.source(value)
    is_star = kind == "ColumnRef" and parts(inner)[-1] == "*"
    is_count = kind == "FuncCall" and _counts_rows(inner)
    return Output(
        text=text,
        alias=body.get("name"),
        is_star=is_star,
        star_of=parts(inner)[-2] if is_star and len(parts(inner)) > 1 else None,
        column=reading.column(value),
        columns=() if is_star else reading.columns(value),
        has_aggregate=has_aggregate(value),
        has_window=has_window(value),
        is_constant=_is_constant(value),
        is_count_star=is_count,
        subqueries=reading.subqueries(value),
        span=span,
    )


def _counts_rows(call: Node) -> bool:
    """`count(*)`, or `count` of a constant that is not NULL."""
    names = strings(call.get("funcname", []))
    if names[-1:] != ("count",) or {"over", "agg_filter", "agg_distinct"} & set(call):
        return False
    arguments = call.get("args", [])
    found = constant(arguments[0]) if len(arguments) == 1 else None
    return bool(call.get("agg_star")) or (found is not None and found[1] is not None)


def _is_constant(node: Node) -> bool:
    """A literal, a parameter, or a cast of one."""
    kind, body = unwrap(node)
    return kind in ("A_Const", "ParamRef") or (kind == "TypeCast" and _is_constant(body["arg"]))


# ORDER BY, GROUP BY


def _read_sort(reading: Reading, draft: Draft, clause: list[Node]) -> None:
    for each in clause:
        body = each["SortBy"]
        nulls = body.get("sortby_nulls")
        key = _sort_key(reading, draft, body["node"], prefers_output=True)
        draft.sort_keys.append(
            SortKey(
                text=key.text,
                key=key.key,
                column=key.column,
                is_descending=body.get("sortby_dir") == "SORTBY_DESC",
                is_nulls_first=None if nulls == "SORTBY_NULLS_DEFAULT" else nulls == "SORTBY_NULLS_FIRST",
                is_random=key.is_random,
            )
        )


def _read_groups(reading: Reading, draft: Draft, clause: list[Node]) -> None:
    for each in clause:
        if "GroupingSet" in each:
            draft.facts["has_grouping_sets"] = True
            _read_groups(reading, draft, each["GroupingSet"].get("content", []))
        else:
            draft.group_keys.append(_sort_key(reading, draft, each, prefers_output=False))


def _sort_key(reading: Reading, draft: Draft, node: Node, *, prefers_output: bool) -> SortKey:
    """What a key stands for. A bare name means an output first in ORDER BY and DISTINCT ON; a column in GROUP BY."""
    value = _output_meant(draft, node, prefers_output)
    text = reading.source(node)[0]
    if value is not None:
        return SortKey(text=text, key=reading.key(value), column=reading.column(value), is_random=is_random(value))
    if draft.set_operation:
        return SortKey(text=text, key=reading.key(node))
    reading.enter(node, draft, "order by" if prefers_output else "other")
    return SortKey(text=text, key=reading.key(node), column=reading.column(node), is_random=is_random(node))


def _output_meant(draft: Draft, node: Node, prefers_output: bool) -> Node | None:
    """The expression of the output that an ordinal or a name means; None: it means no output."""
    kind, body = unwrap(node)
    ordinal = constant(node)
    if ordinal is not None and ordinal[1] == "integer":
        before = draft.outputs[: int(ordinal[0])]
        is_known = len(before) == int(ordinal[0]) > 0 and not any(each.is_star for each in before)
        return draft.targets[int(ordinal[0]) - 1]["val"] if is_known and draft.targets else None
    if kind != "ColumnRef" or len(parts(body)) != 1:
        return None
    name = parts(body)[0]
    if not prefers_output and any(each.has(name) for each in draft.relations):
        return None
    return next((each["val"] for each in draft.targets if (each.get("name") or output_name(each["val"])) == name), None)


# Writes


def _read_update(reading: Reading, draft: Draft, body: Node, target: Relation) -> None:
    """UPDATE and DELETE."""
    read_from(reading, draft, body.get("fromClause") or body.get("usingClause") or [], first="comma")
    _read_assignments(reading, draft, body.get("targetList", []), target)
    _read_where(reading, draft, body)


def _read_assignments(reading: Reading, draft: Draft, targets: list[Node], target: Relation) -> None:
    """The SET list: `a = 1`, `(a, b) = (SELECT …)`."""
    for each in targets:
        assigned = each["ResTarget"]
        _assign(draft, assigned.get("name"), target)
        several = assigned.get("val", {}).get("MultiAssignRef", {})
        if several.get("colno", 1) == 1:
            # The tree repeats the right side of `(a, b) = (SELECT …)` for each column.
            reading.enter(assigned.get("val"), draft, "set")


def _assign(draft: Draft, name: str | None, target: Relation) -> None:
    if name is not None:
        use = ColumnUse(column=name, table=target.table, alias=target.alias, scope=draft.number)
        if use not in draft.assigned:
            draft.assigned.append(use)


def _read_insert(reading: Reading, draft: Draft, body: Node, target: Relation) -> None:
    for each in body.get("cols", ()):
        _assign(draft, each["ResTarget"].get("name"), target)
    source = body.get("selectStmt", {}).get("SelectStmt")
    draft.facts["has_column_list"] = "cols" in body or source is None
    if source is not None:
        _read_insert_source(reading, draft, source)
    conflict = body.get("onConflictClause", {})
    draft.relations.append(Relation(alias="excluded", kind="table", table=target.table, columns=(), is_listed=False))
    for each in conflict.get("targetList", ()):
        reading.enter(each["ResTarget"].get("val"), draft, "set")
    reading.enter(conflict.get("whereClause"), draft, "other")
    draft.relations.pop()


def _read_insert_source(reading: Reading, draft: Draft, source: Node) -> None:
    """VALUES belong to the INSERT itself; a SELECT has a scope of its own."""
    is_plain = not {"sortClause", "limitCount", "limitOffset", "withClause"} & set(source)
    target = draft.relations.pop()
    if "valuesLists" in source and is_plain:
        reading.enter(source["valuesLists"], draft, "values")
    else:
        inner = reading.add("values", draft, draft.outer)
        inner.facts["span"] = reading.extents.arm(source) if source.get("op") == "SETOP_NONE" else None
        read_statement(reading, "SelectStmt", source, inner)
    draft.relations.append(target)


def _read_merge(reading: Reading, draft: Draft, body: Node, target: Relation) -> None:
    before = len(draft.relations)
    read_from(reading, draft, [body["sourceRelation"]], first="inner")
    read_condition(reading, draft, body.get("joinCondition"), "on")
    source = draft.relations[before]
    source.has_condition = True
    source.conditions.append(target.alias)
    for each in body.get("mergeWhenClauses", ()):
        clause = each["MergeWhenClause"]
        reading.enter(clause.get("condition"), draft, "other")
        _read_assignments(reading, draft, clause.get("targetList", []), target)
        reading.enter(clause.get("values"), draft, "values")
