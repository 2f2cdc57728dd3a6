"""A CREATE INDEX in the parts that migration tools have words for."""

from typing import Any

from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.parse import Parsed, Unread, parse
from pgadvisor.sql.syntax import location


class KeyPart(Record):
    """One key."""

    text: str
    """Whole, as in the statement."""
    column: str | None = None
    """Of a bare column, whatever its order and class."""
    operator_class: str | None = None
    """As in the statement; of a bare column."""
    is_descending: bool = False
    is_usual: bool = True
    """Nothing else is said of it: no collation, no NULLS FIRST or LAST, no parameters."""


class IndexParts(Record):
    """One CREATE INDEX."""

    name: str
    schema: str | None
    table: str
    keys: tuple[KeyPart, ...]
    method: str = "btree"
    included: tuple[str, ...] = ()
    predicate: str | None = None
    is_unique: bool = False
    is_concurrent: bool = False


def index_parts(statement: str) -> IndexParts | None:
    """The parts; None: it is no CREATE INDEX, or says more than these can tell (ON ONLY, WITH, TABLESPACE, …)."""
    parsed = parse(statement)
    if isinstance(parsed, Unread) or parsed.kind != "IndexStmt":
        return None
    body, relation = parsed.body, parsed.body["relation"]
    more = ("options", "tableSpace", "nulls_not_distinct", "if_not_exists")
    if not relation.get("inh") or "idxname" not in body or any(body.get(each) for each in more):
        return None
    texts, end = _listed(parsed)
    return IndexParts(
        name=body["idxname"],
        schema=relation.get("schemaname"),
        table=relation["relname"],
        keys=tuple(_key(each["IndexElem"], text) for each, text in zip(body["indexParams"], texts, strict=True)),
        method=body.get("accessMethod", "btree"),
        included=tuple(each["IndexElem"]["name"] for each in body.get("indexIncludingParams", ())),
        predicate=_predicate(parsed, end) if "whereClause" in body else None,
        is_unique=bool(body.get("unique")),
        is_concurrent=bool(body.get("concurrent")),
    )


def _key(element: dict[str, Any], text: str) -> KeyPart:
    ordering = element.get("ordering", "SORTBY_DEFAULT")
    unusual = any(element.get(each) for each in ("collation", "opclassopts"))
    unusual = unusual or element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT") != "SORTBY_NULLS_DEFAULT"
    names = [each["String"]["sval"] for each in element.get("opclass", ())]
    return KeyPart(
        text=text,
        column=element.get("name"),
        operator_class=".".join(map(quoted, names)) or None,
        is_descending=ordering == "SORTBY_DESC",
        is_usual=not unusual,
    )


def _listed(parsed: Parsed) -> tuple[list[str], int]:
    """The text of each key, and the number of the token that closes their list."""
    at = parsed.positions[location(parsed.body["relation"])]
    while parsed.tokens[at].text != "(":
        at += 1
    texts, depth, start = [], 0, parsed.tokens[at].end
    for number in range(at, len(parsed.tokens)):
        token = parsed.tokens[number]
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth == 0 or (depth == 1 and token.text == ","):
            texts.append(parsed.text[start : token.start].strip())
            start = token.end
        if depth == 0:
            return texts, number
    return texts, len(parsed.tokens) - 1


def _predicate(parsed: Parsed, end: int) -> str:
    """What follows WHERE, the last clause of the statement."""
    where = next(each for each in parsed.tokens[end:] if each.kind == "keyword" and each.text.lower() == "where")
    return parsed.text[where.end :].strip().rstrip(";").strip()
