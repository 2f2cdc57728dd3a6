"""CREATE INDEX and REINDEX as steps."""

from pgadvisor.model.catalog import Index, IndexKey
from pgadvisor.sql.canonical import canonical_node
from pgadvisor.sql.ddl_alter import read_options
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.ddl_text import DdlText, relation
from pgadvisor.sql.identifiers import object_name
from pgadvisor.sql.nodes import function_name, strings, unwrap
from pgadvisor.sql.parse import Node


def create_index(body: Node, text: DdlText) -> list[DdlStep]:
    """An IndexStmt."""
    schema, table = relation(body["relation"]) or (None, "")
    concurrent = bool(body.get("concurrent"))
    elements = [each["IndexElem"] for each in body.get("indexParams", ())]
    included = tuple(each["IndexElem"].get("name", "") for each in body.get("indexIncludingParams", ()))
    name = body.get("idxname") or object_name(table, (*map(_label, elements), *included), "idx")
    span = text.whole()
    definition = text.parsed.text[text.parsed.tokens[0].start :][: span.end - span.start]
    index = Index(
        schema=schema or "",
        name=name,
        definition=definition,
        method=body.get("accessMethod", "btree"),
        keys=tuple(_key(each) for each in elements),
        included=included,
        predicate=canonical_node(body["whereClause"]) if "whereClause" in body else None,
        is_unique=bool(body.get("unique")),
    )
    return [
        DdlStep(
            command="create index concurrently" if concurrent else "create index",
            kind="index",
            schema=schema,
            name=name,
            table=(schema, table),
            index_definition=definition,
            index=index,
            is_concurrent=concurrent,
            if_not_exists=bool(body.get("if_not_exists")),
            is_only=not body["relation"].get("inh", False),
        )
    ]


def _label(element: Node) -> str:
    if "name" in element:
        return str(element["name"])
    kind, body = unwrap(element["expr"])
    return function_name(body) if kind == "FuncCall" else "expr"


def _key(element: Node) -> IndexKey:
    column = element.get("name")
    descending = element.get("ordering") == "SORTBY_DESC"
    nulls = element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
    return IndexKey(
        text=column if column else canonical_node(element["expr"]),
        column=column,
        is_descending=descending,
        is_nulls_first=nulls == "SORTBY_NULLS_FIRST" or (descending and nulls == "SORTBY_NULLS_DEFAULT"),
        operator_class=".".join(strings(element.get("opclass", []))) or None,
        collation=".".join(strings(element.get("collation", []))) or None,
    )


_OBJECTS = {
    "REINDEX_OBJECT_INDEX": "index",
    "REINDEX_OBJECT_TABLE": "table",
    "REINDEX_OBJECT_SCHEMA": "schema",
    "REINDEX_OBJECT_SYSTEM": "system",
    "REINDEX_OBJECT_DATABASE": "database",
}


def reindex(body: Node, text: DdlText) -> list[DdlStep]:
    """A ReindexStmt."""
    word = _OBJECTS.get(body.get("kind", ""), "table")
    options = read_options(body.get("params", []))
    concurrent = dict(options).get("concurrently", "off") in ("", "true", "on", "1")
    schema, name = relation(body.get("relation")) or (None, body.get("name"))
    return [
        DdlStep(
            command=f"reindex {word}" + (" concurrently" if concurrent else ""),
            kind="table" if word == "table" else "index" if word == "index" else "schema",
            schema=schema,
            name=name,
            is_concurrent=concurrent,
            options=options,
        )
    ]
