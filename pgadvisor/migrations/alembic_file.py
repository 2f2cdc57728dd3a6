"""A migration as a revision of Alembic: `op.create_index` where it has words for the index, SQL where it has none."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from pgadvisor.migrations.index_parts import IndexParts, KeyPart, index_parts
from pgadvisor.migrations.python_text import literal, literals
from pgadvisor.migrations.steps import HEED, Line, Step, summary, way_down, way_up
from pgadvisor.sql.parse import Unread, is_reserved, parse

_INSIDE = " " * 8


def alembic_file(steps: Sequence[Step]) -> str:
    """The file."""
    up, down = _function("upgrade", way_up(steps)), _function("downgrade", way_down(steps))
    body = "\n".join((*up, "", "", *down))
    imports = ["from alembic import op"]
    if "sa." in body:
        imports.insert(0, "import sqlalchemy as sa")
    head = [f'"""{summary(steps)}."""', "", *(f"# {each}" for each in HEED), "", *imports, ""]
    identifiers = [
        f"revision = {literal(sha256(body.encode()).hexdigest()[:12])}",
        "down_revision = None  # the revision before this one: `alembic heads` tells",
        "branch_labels = None",
        "depends_on = None",
    ]
    return "\n".join((*head, *identifiers, "", "", body, ""))


def _function(name: str, script: Sequence[Line]) -> Iterator[str]:
    yield f"def {name}() -> None:"
    if not script:
        yield "    pass"
        return
    yield "    with op.get_context().autocommit_block():"
    for each in script:
        yield from (f"{_INSIDE}{line}".rstrip() for line in _operation(each))


def _operation(line: Line) -> Iterable[str]:
    """The call that runs one statement; a comment, or an empty line, as it is."""
    if line.is_comment or not line.text:
        return [f"# {line.text}" if line.text else ""]
    parts = index_parts(line.text)
    if parts and _is_sayable(parts):
        return _create_index(parts)
    return _drop_index(line) or [_execute(line.text)]


def _create_index(parts: IndexParts) -> list[str]:
    bare = [(key.column, key.operator_class) for key in parts.keys if _is_bare(key)]
    ops = [f"{literal(column)}: {literal(named)}" for column, named in bare if column and named]
    keywords = [
        ("schema", literal(parts.schema) if parts.schema else None),
        ("unique", "True" if parts.is_unique else None),
        ("postgresql_concurrently", "True" if parts.is_concurrent else None),
        ("postgresql_using", literal(parts.method) if parts.method != "btree" else None),
        ("postgresql_include", literals(parts.included) if parts.included else None),
        ("postgresql_ops", f"{{{', '.join(ops)}}}" if ops else None),
        ("postgresql_where", f"sa.text({literal(parts.predicate)})" if parts.predicate else None),
    ]
    return [
        "op.create_index(",
        f"    op.f({literal(parts.name)}),",
        f"    {literal(parts.table)},",
        f"    [{', '.join(map(_key, parts.keys))}],",
        *(f"    {name}={value}," for name, value in keywords if value is not None),
        ")",
    ]


def _key(key: KeyPart) -> str:
    return literal(key.column or "") if _is_bare(key) else f"sa.text({literal(key.text)})"


def _is_bare(key: KeyPart) -> bool:
    """Whether the column's name, with its class beside it, says it all."""
    return key.column is not None and key.is_usual and not key.is_descending


def _is_sayable(parts: IndexParts) -> bool:
    """Whether SQLAlchemy would make the same statement of it.

    It knows other keywords than PostgreSQL does, so it might leave one of those without quotes.
    """
    texts = [parts.predicate or "", *(key.text for key in parts.keys if not _is_bare(key))]
    names = [parts.name, parts.schema or "", parts.table, *parts.included, *(key.column or "" for key in parts.keys)]
    return not any(map(_is_mistaken, texts)) and not any(map(_is_keyword, names))


def _is_keyword(name: str) -> bool:
    return name.isidentifier() and is_reserved(name)


def _is_mistaken(text: str) -> bool:
    """Whether `sa.text` would read something into it: `:name` is a parameter for it, and a backslash guards that."""
    return ":" in text.replace("::", "") or "\\" in text


def _drop_index(line: Line) -> list[str] | None:
    parsed = parse(line.text)
    if isinstance(parsed, Unread) or parsed.kind != "DropStmt" or line.table is None:
        return None
    names = [each["String"]["sval"] for each in parsed.body["objects"][0]["List"]["items"]]
    if parsed.body.get("removeType") != "OBJECT_INDEX" or len(names) != 2 or any(map(_is_keyword, names)):
        return None
    concurrently = ", postgresql_concurrently=True" if parsed.body.get("concurrent") else ""
    table = line.table.removeprefix(f"{names[0]}.")
    name, schema = f"op.f({literal(names[1])})", literal(names[0])
    return [f"op.drop_index({name}, table_name={literal(table)}, schema={schema}{concurrently})"]


def _execute(statement: str) -> str:
    """SQL as it is; `sa.DDL` takes no `:name` for a parameter, and only wants the percent signs doubled."""
    if not _is_mistaken(statement):
        return f"op.execute({literal(statement)})"
    return f"op.execute(sa.DDL({literal(statement.replace('%', '%%'))}))"
