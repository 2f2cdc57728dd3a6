"""Which expressions an index may hold: those with one value for ever, whose type has an order; as keys."""

import re
from functools import partial

from msgspec.structs import replace

from pgadvisor.candidates.candidate import CandidateKey
from pgadvisor.facts import Facts
from pgadvisor.indexes.offers import SAFE_JSON_CASTS, UNORDERED
from pgadvisor.model.catalog import Column, Table
from pgadvisor.sql.canonical import canonical_node
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.nodes import base_type, constant, function_name, operator, parts, strings, type_name, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree

TEXTS = frozenset(("text", "character varying", "character"))
INTEGERS = frozenset(("smallint", "integer", "bigint"))
NUMBERS = frozenset((*INTEGERS, "numeric", "real", "double precision"))
JSONS = frozenset(("json", "jsonb"))
UNZONED = frozenset(("timestamp without time zone", "date"))
"""What does not depend on the session's time zone."""
_OF_TEXT_WORDS = """
    lower upper btrim ltrim rtrim md5 reverse left right substring substr replace split_part translate initcap
    regexp_replace lpad rpad
"""
OF_TEXT = frozenset(_OF_TEXT_WORDS.split())
"""Immutable functions that make a text of a text (`pg_proc.provolatile`)."""
MEASURES = frozenset(("length", "char_length", "octet_length", "strpos", "ascii"))
"""Immutable functions that make an integer of a text."""
OF_NUMBER = frozenset(("abs", "floor", "ceil", "ceiling", "round", "trunc", "mod"))
PRINTED = frozenset((*INTEGERS, "numeric", "uuid", "boolean"))
"""Types whose cast to text is immutable: no setting changes how they are printed."""
_NO_ORDER_WORDS = """
    xid cid aclitem vector halfvec sparsevec hstore jsonpath txid_snapshot pg_snapshot lseg tsquery bit refcursor
    regconfig
"""
NO_ORDER = UNORDERED | frozenset(_NO_ORDER_WORDS.split())
"""Types that a B-tree does not take, or that nobody looks up by."""


def column_key(column: Column) -> CandidateKey:
    """The key of a bare column."""
    return CandidateKey(text=quoted(column.name), key=column.name, columns=(column.name,), label=column.name)


def key_of(facts: Facts, table: Table, text: str) -> CandidateKey | None:
    """The key for a column's name or the canonical text of an expression; None: an index may not hold it."""
    if column := table.column(text):
        return None if column.is_virtual else column_key(column)
    written = _written(text)
    node = parsed(written)
    if node is not None and "CollateClause" in node:
        return _collated_key(facts, table, text, node["CollateClause"])
    columns = _columns(node) if node else ()
    if node is None or not columns or any(_is_unfit(table, name) for name in columns):
        return None
    if type_of(facts, table, node) is None:
        return None
    is_call = "FuncCall" in node and re.match(r"[a-z_]\w*\(", written)
    label = "_".join(dict.fromkeys([*columns, *_words(node)]))
    return CandidateKey(text=written if is_call else f"({written})", key=text, columns=columns, label=label)


def _collated_key(facts: Facts, table: Table, text: str, body: Node) -> CandidateKey | None:
    """The key for `x COLLATE "C"`: that of `x` where it is collated so anyway."""
    inner, collation = key_of(facts, table, canonical_node(body["arg"])), strings(body["collname"])[-1]
    column = table.column(inner.key) if inner else None
    if inner is None or (column is not None and column.collation == collation):
        return inner
    return replace(inner, key=text, collation=collation)


def key_type(facts: Facts, table: Table, key: CandidateKey) -> str | None:
    """The type of a key's values without its modifiers; None: not known."""
    if key.is_column:
        column = table.column(key.key)
        return base_type(column.type) if column else None
    node = parsed(_written(key.key))
    return type_of(facts, table, node) if node else None


def has_order(facts: Facts, spelled: str | None) -> bool:
    """Whether a B-tree takes values of that type."""
    if spelled is None or spelled in NO_ORDER or spelled.endswith(("[]", "range")):
        return False
    own = next((each for each in facts.snapshot.types if each.name == spelled.rpartition(".")[2]), None)
    if own is None or own.kind == "enum":
        return True
    return own.kind == "domain" and own.base is not None and has_order(facts, base_type(own.base))


def type_of(facts: Facts, table: Table, node: Node) -> str | None:
    """The type of an immutable expression; `unknown` for a literal. None: its value may change, or is not known."""
    kind, body = unwrap(node)
    inner = partial(type_of, facts, table)
    match kind:
        case "ColumnRef":
            column = table.column(parts(body)[-1])
            return base_type(column.type) if column else None
        case "A_Const":
            found = constant(node)
            words = {"string": "unknown", "number": "numeric", "integer": "integer", "boolean": "boolean"}
            return words.get(found[1] or "") if found else None
        case "CollateClause":
            return inner(body["arg"])
        case "TypeCast":
            return _cast(inner(body["arg"]), type_name(body["typeName"]))
        case "FuncCall":
            arguments = [inner(each) for each in body.get("args", [])]
            return None if None in arguments else _call(facts, body, [each or "" for each in arguments])
        case "CoalesceExpr":
            found_types = [inner(each) for each in body.get("args", [])]
            known = [each for each in found_types if each not in (None, "unknown")]
            return known[0] if known and None not in found_types else None
        case "A_Expr" if "lexpr" in body and "rexpr" in body:
            return _operation(operator(body), inner(body["lexpr"]), inner(body["rexpr"]))
    return None


def _written(text: str) -> str:
    """The canonical text as the grammar takes it: EXTRACT has no commas."""
    return re.sub(r"\bextract\('(\w+)', ", r"extract(\1 FROM ", text)


def parsed(text: str) -> Node | None:
    """The tree of an expression; None: it is none."""
    found = parse_tree(f"SELECT {text}")
    if isinstance(found, Unread) or len(found) != 1:
        return None
    targets = found[0]["stmt"].get("SelectStmt", {}).get("targetList", [])
    return targets[0]["ResTarget"].get("val") if len(targets) == 1 else None


def _columns(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parts(body)[-1] for kind, body in _walked(node) if kind == "ColumnRef"))


def _words(node: Node) -> list[str]:
    """What tells the expression from the bare column in a name: functions called, JSON fields."""
    calls = [function_name(body) for kind, body in _walked(node) if kind == "FuncCall"]
    texts = [found[0] for kind, body in _walked(node) if kind == "A_Const" if (found := constant({kind: body}))]
    fields = [text.lower() for text in texts if re.fullmatch(r"[A-Za-z_]\w*", text)]
    return [*calls, *fields] if calls or fields else ["expr"]


def _walked(node: object) -> list[tuple[str, Node]]:
    if isinstance(node, list):
        return [found for each in node for found in _walked(each)]
    if not isinstance(node, dict):
        return []
    found = []
    for kind, body in node.items():
        if kind[:1].isupper() and isinstance(body, dict):
            found.append((kind, body))
        found += _walked(body)
    return found


def _is_unfit(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is None or column.is_virtual


def _cast(source: str | None, target: str) -> str | None:
    base = base_type(target)
    is_safe = (
        (source in TEXTS and (base in TEXTS or base in SAFE_JSON_CASTS))
        or (source in NUMBERS and base in NUMBERS)
        or (source in PRINTED and base in TEXTS)
        or (source in UNZONED and base in UNZONED)
        or (source == "unknown" and base in TEXTS | NUMBERS | {"regconfig"})
    )
    return base if is_safe else None


def _call(facts: Facts, body: Node, arguments: list[str]) -> str | None:
    """What a function with arguments of those types gives, if it is immutable."""
    name, texts = function_name(body), TEXTS | {"unknown"}
    first, last = (arguments[0], arguments[-1]) if arguments else ("", "")
    if name in OF_TEXT and first in texts and set(arguments[1:]) <= texts | INTEGERS:
        return "text"
    if name in MEASURES and set(arguments) <= texts:
        return "integer"
    if name in OF_NUMBER and set(arguments) <= NUMBERS:
        return first
    if name == "date_trunc" and len(arguments) == 2 and first == "unknown" and last == "timestamp without time zone":
        return last
    if name in ("extract", "date_part") and first == "unknown" and last in UNZONED:
        return "numeric"
    if name == "timezone" and first == "unknown" and last.startswith("timestamp"):
        return f"timestamp {'without' if last.endswith('with time zone') else 'with'} time zone"
    if name == "to_tsvector" and len(arguments) == 2 and first in ("unknown", "regconfig") and last in texts | JSONS:
        return "tsvector"
    own = [
        each for each in facts.snapshot.functions if each.name == name and len(each.argument_types) == len(arguments)
    ]
    is_immutable = own and all(each.volatility == "immutable" and not each.returns_row for each in own)
    return base_type(own[0].result) if is_immutable and own[0].result else None


def _operation(sign: str, left: str | None, right: str | None) -> str | None:
    if left is None or right is None:
        return None
    if left in JSONS and sign in ("->", "->>", "#>", "#>>"):
        return "text" if sign.endswith(">>") else left
    if sign in ("+", "-", "*", "/", "%") and left in NUMBERS and right in NUMBERS:
        return right if left in INTEGERS else left
    if sign == "||" and {left, right} <= TEXTS | {"unknown"} and {left, right} != {"unknown"}:
        return "text"
    return None
