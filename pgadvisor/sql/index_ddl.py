"""CREATE INDEX as a text: on which table, under which name, and the same statement under another one."""

from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.nodes import function_name, unwrap
from pgadvisor.sql.parse import Node, Parsed, Unread, parse
from pgadvisor.sql.syntax import location


class IndexDdl(Record):
    """One CREATE INDEX."""

    table: str
    """Bare."""
    labels: tuple[str, ...]
    """What stands for each key in a name that PostgreSQL makes up: a column, a function, or `expr`."""
    keys: str
    """All that follows the table's name."""
    schema: str | None = None
    name: str | None = None
    method: str = "btree"
    is_unique: bool = False
    is_only: bool = False
    """ON ONLY: not on the partitions."""

    def definition(self, schema: str, name: str) -> str:
        """The statement with this schema and name, and without CONCURRENTLY and IF NOT EXISTS."""
        unique = "UNIQUE " if self.is_unique else ""
        only = "ONLY " if self.is_only else ""
        return f"CREATE {unique}INDEX {quoted(name)} ON {only}{quoted(schema)}.{quoted(self.table)} {self.keys}"


def read_create_index(text: str) -> IndexDdl | Unread:
    """What a CREATE INDEX says, or why the text is none."""
    parsed = parse(text)
    if isinstance(parsed, Unread):
        return parsed
    if parsed.kind != "IndexStmt":
        return Unread(reason="it is not a CREATE INDEX")
    body = parsed.body
    relation = body["relation"]
    return IndexDdl(
        table=relation["relname"],
        labels=tuple(_label(each["IndexElem"]) for each in body.get("indexParams", ())),
        keys=_after_table(parsed, relation),
        schema=relation.get("schemaname"),
        name=body.get("idxname"),
        method=body.get("accessMethod", "btree"),
        is_unique=bool(body.get("unique")),
        is_only=not relation.get("inh", False),
    )


def _after_table(parsed: Parsed, relation: Node) -> str:
    """The text from the token behind the table's name, which may be qualified, to the end."""
    at = parsed.positions[location(relation)] + 1
    while parsed.tokens[at].text == ".":
        at += 2
    last = len(parsed.tokens) - 1
    while parsed.tokens[last].text == ";":
        last -= 1
    return parsed.text[parsed.tokens[at].start : parsed.tokens[last].end]


def _label(element: Node) -> str:
    if "name" in element:
        return str(element["name"])
    kind, body = unwrap(element["expr"])
    return function_name(body) if kind == "FuncCall" else "expr"
