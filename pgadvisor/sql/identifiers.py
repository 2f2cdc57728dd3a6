"""Names as SQL: quoted where PostgreSQL needs it, and made up as PostgreSQL would."""

import re
from functools import lru_cache
from itertools import count

from pgadvisor.model.catalog import Table
from pgadvisor.sql.parse import Unread, is_reserved, parse_tree

NAME_BYTES = 63
"""NAMEDATALEN - 1: the longest name PostgreSQL keeps."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


@lru_cache(maxsize=10_000)
def quoted(name: str) -> str:
    """The name as SQL, in double quotes where it needs them (`quote_identifier` in ruleutils.c)."""
    if _PLAIN.match(name) and not is_reserved(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table: Table) -> str:
    """The table's name as SQL, with its schema."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def dotted_name(written: str) -> tuple[str, ...]:
    """The parts of a name as SQL spells it, folded or unquoted: `Shop."my.idx"`. Empty when it is none."""
    found = parse_tree(f"DROP INDEX {written}")
    if isinstance(found, Unread) or len(found) != 1 or len(found[0]["stmt"]["DropStmt"]["objects"]) != 1:
        return ()
    return tuple(part["String"]["sval"] for part in found[0]["stmt"]["DropStmt"]["objects"][0]["List"]["items"])


def object_name(table: str, parts: tuple[str, ...], label: str, taken: frozenset[str] = frozenset()) -> str:
    """A name as PostgreSQL makes one (`ChooseRelationName` in indexcmds.c): `orders_customer_id_idx`.

    `parts`: columns, or what stands for an expression; `taken`: names in use in the schema. Cut to fit, not quoted.
    """
    endings = (f"_{label}{number or ''}" for number in count())
    stem = "_".join((table, *parts))
    names = (_cut(stem, NAME_BYTES - len(ending)) + ending for ending in endings)
    return next(name for name in names if name not in taken)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
