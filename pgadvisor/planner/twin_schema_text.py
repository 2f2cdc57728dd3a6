"""Names and literals as SQL, for the definitions of a twin's schema."""

import re

from psycopg import sql

from pgadvisor.sql.identifiers import quoted

_BRACKETS = re.compile(r'("(?:[^"]|"")*")|\([^()]*\)')
_TYPE_NAME = re.compile(r'(?:("(?:[^"]|"")+"|[\w$]+)\.)?("(?:[^"]|"")+"|[\w$]+)\Z')
_UNREAD = "(not read"


def named(schema: str, name: str) -> str:
    """The name with its schema, as SQL."""
    return f"{quoted(schema)}.{quoted(name)}"


def literal(text: str) -> str:
    """The text as a string constant."""
    return sql.Literal(text).as_string(None)


def unquoted(name: str) -> str:
    """The name itself, of one in SQL's spelling."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def bare_type(name: str) -> str:
    """The type without its length and array brackets: `public.geometry` of `public.geometry(Point,4326)[]`."""
    found = _BRACKETS.sub(lambda match: match[1] or "", name).strip()
    while found.endswith("[]"):
        found = found[:-2]
    return found


def name_parts(type_name: str) -> tuple[str | None, str] | None:
    """Schema, where one is told, and name of a bare type; None for those of several words, which are the system's."""
    found = _TYPE_NAME.match(type_name)
    return found and (unquoted(found[1]) if found[1] else None, unquoted(found[2]))


def is_whole(definition: str) -> bool:
    """Whether all of the definition was read: parts of a locked table's indexes are left out."""
    return _UNREAD not in definition
