"""Indexes that are no B-trees: GIN, GiST, hash and BRIN, by operators, types and the order of rows on disk."""

from collections.abc import Iterator

from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate, CandidateKey, IndexMethod
from pgadvisor.candidates.conditions import Condition
from pgadvisor.candidates.expressions import INTEGERS, TEXTS, key_of, key_type
from pgadvisor.candidates.partial import EVERYTHING, Part, part_of
from pgadvisor.candidates.uses import Use
from pgadvisor.facts import Facts
from pgadvisor.indexes.offers import has_letters
from pgadvisor.indexes.sizes import width

LONG_BYTES = 32
"""From this average on a hash of a text is smaller than the text."""
ORDERED = 0.9
"""Correlation from which on BRIN's ranges hold few others."""
SHAPES = ("point", "box", "circle", "polygon", "geometry", "geography")
BIG_PAGES = 1024
"""8 MB: BRIN's ranges have 128 pages, and with few of them it spares nothing."""


def specials(facts: Facts, use: Use) -> list[Candidate]:
    """The likeliest first: GIN and GiST, each also partial, then hash."""
    return list(dict.fromkeys([*_inverted(facts, use), *_nearest(facts, use), *_hashes(facts, use)]))


def _inverted(facts: Facts, use: Use) -> Iterator[Candidate]:
    for condition in use.conditions:
        kinds = list(_kinds(facts, use, condition))
        for part in _flag_parts(use):
            for method, key, extension in kinds:
                yield _made(use, method, (key,), part, extension)
        yield from _mixed(facts, use, kinds)


def _flag_parts(use: Use) -> list[Part]:
    """All rows, and those that fulfil all null tests and booleans, or all that is constant."""
    fixed = [each for each in use.conditions if each.fixed]
    flags = [each for each in fixed if each.is_flag]
    parts = [part_of(each) for each in (flags, fixed) if each]
    return [EVERYTHING, *{part.predicate: part for part in parts}.values()]


def _kinds(facts: Facts, use: Use, condition: Condition) -> Iterator[tuple[IndexMethod, CandidateKey, str | None]]:
    """Method, key with its class, and extension, by the operator and the type on its left."""
    key, sign = condition.key, condition.predicate.operator
    kind = key_type(facts, use.table, key) if key else None
    if key is None or kind is None:
        return
    bare = replace(key, operator_class=None)
    if sign in ("LIKE", "ILIKE", "~", "~*", "%", "<%", "%>") and kind in TEXTS - {"character"}:
        if has_letters(condition.predicate) and condition.role == "pattern":
            yield "gin", replace(bare, operator_class="gin_trgm_ops"), "pg_trgm"
            yield "gist", replace(bare, operator_class="gist_trgm_ops"), "pg_trgm"
    elif kind == "jsonb" and sign in ("@>", "@?", "@@"):
        yield "gin", replace(bare, operator_class="jsonb_path_ops"), None
        yield "gin", bare, None
    elif kind == "jsonb" and sign in ("?", "?|", "?&"):
        yield "gin", bare, None
    elif kind == "tsvector" and sign == "@@":
        yield "gin", bare, None
        yield "gist", bare, None
    elif _is_array(use, key) and sign in ("@>", "&&", "<@"):
        yield "gin", bare, None
    elif kind.endswith("range") or kind in SHAPES:
        yield "gist", bare, None


def _is_array(use: Use, key: CandidateKey) -> bool:
    column = use.table.column(key.key)
    return column is not None and column.type.endswith("[]")


def _mixed(facts: Facts, use: Use, kinds: list[tuple[IndexMethod, CandidateKey, str | None]]) -> Iterator[Candidate]:
    """With the equalities before it, where the extension is there that gives GIN or GiST classes for scalars."""
    equal = tuple(each.key for each in use.conditions if each.role == "equal" and each.key and not each.is_flag)
    for method, key, extension in kinds:
        if equal and facts.has_extension(f"btree_{method}"):
            yield _made(use, method, (*equal[:2], key), EVERYTHING, extension)


def _nearest(facts: Facts, use: Use) -> Iterator[Candidate]:
    """GiST for ORDER BY a distance: texts by trigrams, points and ranges of PostGIS by themselves."""
    for text in use.nearest:
        left = text.partition(" <-> ")[0]
        column = use.table.column(left.strip('"'))
        key = key_of(facts, use.table, column.name) if column else None
        kind = key_type(facts, use.table, key) if key else None
        if key and kind in TEXTS:
            yield _made(use, "gist", (replace(key, operator_class="gist_trgm_ops"),), EVERYTHING, "pg_trgm")
        elif key and kind in SHAPES:
            yield _made(use, "gist", (key,), EVERYTHING)


def _hashes(facts: Facts, use: Use) -> Iterator[Candidate]:
    """For equality with long texts: an entry holds four bytes."""
    for each in use.conditions:
        if each.role != "equal" or each.key is None or each.is_flag or use.rows * each.share > 100:
            continue
        column = use.table.column(each.columns[0])
        is_text = key_type(facts, use.table, each.key) in TEXTS
        if column and is_text and width(column) >= LONG_BYTES:
            yield _made(use, "hash", (each.key,), EVERYTHING)


def brins(facts: Facts, use: Use) -> Iterator[Candidate]:
    """For ranges over columns in whose order the rows lie on disk."""
    if (facts.pages(use.table.qualified) or 0) < BIG_PAGES:
        return
    for each in use.conditions:
        column = use.table.column(each.columns[0])
        if column is None or each.key is None or not each.key.is_column or each.role not in ("range", "equal"):
            continue
        seen = column.statistics
        is_sized = column.type.startswith(("time", "date", "numeric", *INTEGERS))
        if seen and abs(seen.correlation or 0.0) >= ORDERED and is_sized and not each.is_join:
            yield _made(use, "brin", (each.key,), EVERYTHING)


def _made(
    use: Use, method: IndexMethod, keys: tuple[CandidateKey, ...], part: Part, extension: str | None = None
) -> Candidate:
    return Candidate(
        schema=use.table.schema,
        table_name=use.table.name,
        keys=keys,
        method=method,
        predicate=part.predicate,
        predicate_columns=part.columns,
        extension=extension,
    )
