"""Sets of index changes: read from lines of SQL or from the report of `pgadvisor indexes --format json`."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pgadvisor.sql.splitter import split_statements

SETS = Path(__file__).parent / "sets"
FORBIDDEN = ("devices_serial_key", "entries_reference_key", "device_settings_device_id_idx", "job_attempts_job_id_idx")
"""Unscanned, and still needed: behind a UNIQUE constraint, or under a cascading foreign key."""
_CHANGE = re.compile(r"(?i)^\s*(create\s+(unique\s+)?index|drop\s+index|reindex)\b")
_CONCURRENTLY = re.compile(r"(?i)\bindex\s+concurrently\b")


class IndexSet(NamedTuple):
    """A named set of changes, in the order in which they are made."""

    name: str
    changes: tuple[str, ...] = ()

    @property
    def forbidden(self) -> tuple[str, ...]:
        """Indexes that it drops and must not."""
        dropped = " ".join(each for each in self.changes if each.lower().lstrip().startswith("drop"))
        return tuple(name for name in FORBIDDEN if re.search(rf"\b{name}\b", dropped))


def own_sets(names: Iterable[str]) -> list[IndexSet]:
    """The sets that come with the benchmark; `none` is the empty one."""
    return [IndexSet(name) if name == "none" else read_set(SETS / f"{name}.sql") for name in names]


def read_set(path: Path) -> IndexSet:
    """The changes in a file: SQL, or JSON with `create` and `drop` at the top or below `advice`."""
    text = path.read_text("utf-8")
    if text.lstrip().startswith("{"):
        return IndexSet(path.stem, _of_report(json.loads(text)))
    return IndexSet(path.stem, _changes([text]))


def _of_report(report: dict[str, Any]) -> tuple[str, ...]:
    advice = report.get("advice") or report
    return _changes(each["sql"] for kind in ("create", "drop") for each in advice.get(kind, ()))


def _changes(texts: Iterable[str]) -> tuple[str, ...]:
    """The index statements among the texts' (a remedy may also set a lock_timeout), without CONCURRENTLY."""
    statements = [each.text for text in texts for each in split_statements(text)]
    return tuple(_CONCURRENTLY.sub("INDEX", each) for each in statements if _CHANGE.match(each))
