"""Columns and constraints as DDL adds them."""

from typing import Any, Literal

from msgspec.structs import replace

from pgadvisor.sql.ddl_default import is_volatile, unknown_calls
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint
from pgadvisor.sql.ddl_text import DdlText, relation
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.nodes import strings, type_name, unwrap
from pgadvisor.sql.parse import Node
from pgadvisor.sql.syntax import walk

ConstraintKind = Literal["primary key", "unique", "foreign key", "check", "not null", "exclusion"]
_KINDS: dict[str, ConstraintKind] = {
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_CHECK": "check",
    "CONSTR_NOTNULL": "not null",
    "CONSTR_EXCLUSION": "exclusion",
}
_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_GENERATED: dict[str, Literal["stored", "virtual"]] = {"s": "stored", "v": "virtual"}
SERIAL = frozenset(("serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"))
_INTERVAL_FIELDS = {
    4: "year", 2: "month", 8: "day", 1024: "hour", 2048: "minute", 4096: "second", 6: "year to month",
    1032: "day to hour", 3080: "day to minute", 7176: "day to second", 3072: "hour to minute",
    7168: "hour to second", 6144: "minute to second",
}  # fmt: skip
"""`INTERVAL_MASK` of timestamp.h: the fields that an interval is limited to."""


def read_type(node: Node) -> str:
    """A TypeName as `format_type` prints it, with what an interval is limited to; SETOF and %TYPE are left out."""
    names = strings(node.get("names", []))
    if not names or names[-1] != "interval" or not node.get("typmods"):
        return type_name(node)
    numbers = [int(unwrap(each)[1].get("ival", {}).get("ival", 0)) for each in node["typmods"]]
    fields = _INTERVAL_FIELDS.get(numbers[0], "")
    spelled = "interval" + (f" {fields}" if fields else "") + (f"({numbers[1]})" if len(numbers) > 1 else "")
    return spelled + "[]" * len(node.get("arrayBounds", ()))


def read_column(node: Node, text: DdlText) -> tuple[DdlColumn, tuple[DdlConstraint, ...]]:
    """A ColumnDef: the column, and the constraints that stand with it (NOT NULL is the column's own)."""
    column = DdlColumn(
        name=node.get("colname", ""),
        type=read_type(node["typeName"]) if "typeName" in node else None,
        not_null=bool(node.get("is_not_null")),
        collation=".".join(strings(node["collClause"]["collname"])) if "collClause" in node else None,
    )
    if column.type in SERIAL:
        column = replace(column, not_null=True, is_volatile_default=True)
    constraints: list[DdlConstraint] = []
    for each in node.get("constraints", ()):
        body = each["Constraint"]
        kind = body["contype"]
        if kind in _KINDS:
            made = read_constraint(body, text, column.name)
            constraints.append(made)
            column = replace(column, not_null=column.not_null or _forbids_null(made))
        else:
            column = _with_default(column, kind, body, text)
    return column, tuple(each for each in constraints if each.kind != "not null" or each.is_not_valid)


def _forbids_null(constraint: DdlConstraint) -> bool:
    return constraint.kind == "primary key" or (constraint.kind == "not null" and not constraint.is_not_valid)


def _with_default(column: DdlColumn, kind: str, body: Node, text: DdlText) -> DdlColumn:
    """The column with what a clause says that is no constraint: DEFAULT, GENERATED."""
    if kind == "CONSTR_IDENTITY":
        return replace(column, is_identity=True, not_null=True)
    if kind == "CONSTR_GENERATED":
        stored = _GENERATED.get(body.get("generated_kind", "s"), "stored")
        first = text.at(body)
        return replace(column, generated=stored, default=None if first is None else text.bracketed(first))
    if kind == "CONSTR_DEFAULT":
        return replace(column, **default_of(body.get("raw_expr"), body, text))
    return column


def default_of(expression: Any, body: Node, text: DdlText, word: str = "default") -> dict[str, Any]:
    """What a default says: its SQL, whether it is volatile, and what it calls that is not known here."""
    first = text.at(body)
    if first is not None and text.words[first] == word:
        first += 1
    return {
        "default": None if first is None else text.clause(first),
        "is_volatile_default": is_volatile(expression),
        "default_calls": unknown_calls(expression),
    }


def read_constraint(body: Node, text: DdlText, column: str | None = None) -> DdlConstraint:
    """A Constraint; `column`: that it stands with."""
    kind = _KINDS[body["contype"]]
    first = text.at(body)
    keys = strings(body.get("fk_attrs" if kind == "foreign key" else "keys", []))
    named = keys or _excluded(body) or ((column,) if column and kind != "check" else _columns_in(body))
    return DdlConstraint(
        kind=kind,
        name=body.get("conname"),
        columns=named,
        expression=text.bracketed(first) if kind == "check" and first is not None else None,
        references=relation(body.get("pktable")),
        referenced_columns=strings(body.get("pk_attrs", [])),
        is_not_valid=bool(body.get("skip_validation")),
        using_index=body.get("indexname"),
        is_enforced=kind not in ("check", "foreign key") or bool(body.get("is_enforced")),
        is_deferrable=bool(body.get("deferrable")),
        on_delete=_ACTIONS.get(body.get("fk_del_action", "a"), "no action"),
        on_update=_ACTIONS.get(body.get("fk_upd_action", "a"), "no action"),
        definition=None if first is None else _definition(body, first, text, column),
    )


def _columns_in(body: Node) -> tuple[str, ...]:
    """The columns that a check names."""
    found = (each["fields"] for kind, each in walk(body.get("raw_expr", {})) if kind == "ColumnRef")
    return tuple(dict.fromkeys(names[-1] for fields in found if (names := strings(fields))))


def _excluded(body: Node) -> tuple[str, ...]:
    pairs = (each["List"]["items"][0]["IndexElem"] for each in body.get("exclusions", ()))
    return tuple(each["name"] for each in pairs if "name" in each)


def _definition(body: Node, first: int, text: DdlText, column: str | None) -> str:
    """The constraint as written after its name; of one that stands with a column, as a table would have it."""
    if column is None:
        start = first + 2 if text.words[first] == "constraint" else first
        return _until_comma(text, start)
    return _spelled_for_table(body, first, text, column)


def _until_comma(text: DdlText, start: int) -> str:
    number = start
    while number < len(text.words) and text.words[number] not in (",", ")", ";"):
        number = (text.partner(number) if text.words[number] in ("(", "[") else number) + 1
    return text.text(start, number - 1)


def _spelled_for_table(body: Node, first: int, text: DdlText, column: str) -> str:
    kind = _KINDS[body["contype"]]
    if kind == "check":
        return f"CHECK ({text.bracketed(first) or ''})"
    if kind == "foreign key":
        schema, name = relation(body["pktable"]) or (None, "")
        target = f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
        keys = ", ".join(quoted(each) for each in strings(body.get("pk_attrs", [])))
        return f"FOREIGN KEY ({quoted(column)}) REFERENCES {target}" + (f" ({keys})" if keys else "")
    if kind == "not null":
        return f"NOT NULL {quoted(column)}"
    return f"{kind.upper()} ({quoted(column)})"
