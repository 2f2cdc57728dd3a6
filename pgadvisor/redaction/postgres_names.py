"""PostgreSQL's own names: its functions, types, settings, catalogs. They say nothing about anyone."""

from functools import cache
from importlib import resources

SCHEMAS = frozenset(("public", "pg_catalog", "information_schema", "pg_toast", "pg_temp"))
SYSTEM_COLUMNS = frozenset(("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"))
STATISTICS_KINDS = frozenset(("ndistinct", "dependencies", "mcv"))
LITERALS = frozenset(
    (
        "", "…", "t", "f", "true", "false", "on", "off", "yes", "no", "null", "now", "today", "utc", "nan", "infinity",
        "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
        "decade", "century", "millennium", "epoch", "dow", "doy", "isodow", "isoyear",
    )
)  # fmt: skip
"""Contents of strings that are words of PostgreSQL's, in lower case: units of time, truth, the time zone UTC."""

_WORDS = ("columns", "words of settings")


@cache
def names(kind: str) -> frozenset[str]:
    """All of one kind: `functions`, `types`, `settings`, `relations`, `columns` (of the catalogs), …"""
    return _lists().get(kind, frozenset())


@cache
def all_names() -> frozenset[str]:
    """Those of every kind but columns of catalogs and words of settings, which are such as `tables` and `all`."""
    return frozenset().union(*(each for kind, each in _lists().items() if kind not in _WORDS))


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = resources.files("pgadvisor.redaction").joinpath("postgres_names.txt").read_text("utf-8")
    found: dict[str, frozenset[str]] = {}
    for part in text.split("\n[")[1:]:
        kind, _, words = part.partition("]\n")
        found[kind] = frozenset(words.split())
    return found
