"""Which of a scratch server's refusals say nothing about the migration, and why."""

import re
from collections.abc import Sequence

import psycopg

from pgadvisor.gate.migration_needs import trees_of
from pgadvisor.model.migration import Migration
from pgadvisor.sql.syntax import walk

_NO_RIGHTS = "42501"
_MISSING = frozenset(("42P01", "42703", "42704", "42883", "3F000", "42P07", "42701", "42710"))
"""Undefined table, column, object, function, schema; and those already there."""
_OF_THE_PAST = frozenset(("42P01", "42883", "3F000"))
"""What earlier migrations that nobody showed may have made: tables, functions, schemas."""
_TYPES = frozenset(("42704",))
_NO_PAST = "no snapshot and no earlier migration tells what stood before"
_IF_NOT_EXISTS = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
_CREATE_TABLE = re.compile(r"\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\b", re.IGNORECASE)
_BEGINNING = re.compile(r"[VU]?0*[01](?![0-9])")
"""How the first migration of those that are counted is called: `1_init`, `V1__init`, `000001_init`, `0000_init`."""
_SIMPLER = frozenset(("42704", "42883", "42809", "42804", "42846", "2BP01"))
"""What a schema made from a snapshot may cause: it has tables where materialized views and foreign tables were, and no
triggers, policies, rules and bodies of volatile functions."""
_OTHER_KIND = re.compile(r" is not a (materialized view|view|foreign table)")
_LIMITS = frozenset(("57014", "55P03", "53100", "53200", "53400", "54000"))
"""Cancelled, lock not available, disk full, out of memory, limits."""
_ROWS = re.compile(r"23...\Z")
"""Integrity constraint violation."""
_ELSEWHERE = re.compile(
    r"\A(role|tablespace|collation|server|foreign-data wrapper|language|access method) .*(does not exist|is not)"
    r"|could not create locale|invalid locale|could not open extension|could not access file"
    r"|not supported (by|in) this build|not available|wal_level",
    re.DOTALL,
)
"""What belongs to a server and not to a schema."""


_OF_EXTENSIONS = re.compile(
    r'\Atype "(?:\w+\.)?(?:citext|hstore|ltree|lquery|ltxtquery|cube|seg|isbn|ean13|geometry|geography|raster|box[23]d'
    r'|vector|halfvec|sparsevec|semver|hll|roaringbitmap|uint[1248])(?:\[\])?" does not exist'
    r'|\Aoperator class "(?:\w+\.)?(?:gin|gist)_\w+_ops" does not exist'
    r"|\Afunction (?:\w+\.)?(?:uuid_generate_\w+|uuid_ns_\w+|crypt|gen_salt|digest|hmac|pgp_\w+|gen_random_bytes"
    r"|similarity|word_similarity|unaccent|hstore|levenshtein|soundex|dblink\w*|crosstab|st_\w+)\(.* does not exist",
    re.DOTALL,
)
"""What well-known extensions have; who runs the server may have made them by hand."""


class Excuses:
    """Why something may fail on the scratch server through no fault of the migration's."""

    def __init__(self, *, is_from_snapshot: bool = False) -> None:
        self._is_from_snapshot = is_from_snapshot
        self._doubts: list[str] = []
        self._past: frozenset[str] = frozenset()
        """SQLSTATEs of what may have stood there before, where nobody said what did."""

    def no_past(self, judged: Sequence[Migration]) -> None:
        """Nothing is known of what stood before. A table that the judged migrations make has no columns but theirs,
        and where they begin at the first, all types are theirs as well."""
        texts = [each.text for migration in judged for each in migration.up]
        is_first = bool(judged) and _BEGINNING.match(judged[0].name) is not None
        if any(map(_IF_NOT_EXISTS.search, texts)):
            self._past = _MISSING
        else:
            self._past = _OF_THE_PAST if is_first and any(map(_CREATE_TABLE.match, texts)) else _OF_THE_PAST | _TYPES

    def add(self, doubt: str) -> None:
        """A reason why objects may be missing, or not be gone, as a clause."""
        self._doubts.append(doubt)

    def excuse(self, error: psycopg.Error, text: str) -> str | None:
        """Why this refusal of the statement says nothing, as a clause; None: the migration fails."""
        message = error.diag.message_primary or str(error).strip().partition("\n")[0]
        code = error.sqlstate or ""
        if code == _NO_RIGHTS:
            return f"it needs rights that a scratch server gives no migration ({message})"
        if code in _LIMITS:
            return f"the scratch server broke it off ({message})"
        if _ELSEWHERE.search(message):
            return f"it needs what a scratch server does not have ({message})"
        if _ROWS.match(code) and error.diag.column_name not in _added_columns(text):
            return f"it fails on rows that earlier migrations made on the scratch server ({message})"
        if self._is_from_snapshot and (code in _SIMPLER or _OTHER_KIND.search(message)):
            return f"{message}, which may be for the snapshot, that does not hold all of a schema"
        if _OF_EXTENSIONS.search(message):
            return f"it needs an extension that no migration makes ({message})"
        if code in self._past:
            return f"{message}, which may be because {_NO_PAST}"
        if self._doubts and code in _MISSING:
            return f"{message}, which may be because {self._doubts[0]}"
        return None


def _added_columns(text: str) -> frozenset[str]:
    """Columns that the statement adds: what such a one lacks, it lacks in every row."""
    return frozenset(
        str(definition["colname"])
        for tree in trees_of(text)
        for kind, body in walk(dict([tree]))
        if kind == "AlterTableCmd" and body.get("subtype") == "AT_AddColumn"
        for definition in (body["def"]["ColumnDef"],)
    )
