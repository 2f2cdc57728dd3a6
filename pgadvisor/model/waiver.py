"""Waivers of the settings file: findings that someone took upon himself, by rule, file, table or key."""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase

from pgadvisor.model.finding import Finding
from pgadvisor.model.record import Record


class ListedWaiver(Record):
    """An entry of the settings file: `[[waivers]]`. A finding must meet all that it names."""

    rule: str | None = None
    """None: all rules."""
    file: str | None = None
    """The file that a finding is about, or several of them: `*` stands for any part of the name."""
    table: str | None = None
    """The table that a finding is about, or several: `audit.*`; without a dot, of any schema."""
    key: str | None = None
    """Of one finding."""
    until: date | None = None
    """The last day on which it holds; None: it holds for ever."""
    reason: str | None = None

    def __post_init__(self) -> None:
        """Without a place it would silence a rule everywhere, for which there is `ignore`."""
        if self.place is None:
            raise ValueError(
                "a waiver needs `file`, `table` or `key`: to leave out a rule everywhere, write it under `ignore`"
            )

    @property
    def place(self) -> str | None:
        """What it is about, as written."""
        return self.file or self.table or self.key

    def covers(self, finding: Finding) -> bool:
        """Whether it is about the place of the finding, whatever the rule."""
        where = finding.where
        return (
            (self.file is None or (where.file is not None and fnmatchcase(where.file, self.file)))
            and (self.table is None or (where.table is not None and _names_table(self.table, where.table)))
            and self.key in (None, finding.key)
        )


class Waivers(Record):
    """What the settings file says of them."""

    today: date
    listed: tuple[ListedWaiver, ...] = ()
    needs_reason: bool = False
    """One without a reason does not hold."""


class Terms(Record):
    """By what waivers are judged."""

    today: date
    rules: Mapping[str, str]
    """Every name of a rule, aliases as well, to the one it has now."""
    listed: tuple[ListedWaiver, ...] = ()
    needs_reason: bool = False
    """One without a reason does not hold."""
    rules_run: frozenset[str] = frozenset()
    """Of another rule nobody knows whether it would have found anything."""

    def fault(self, until: date | None, reason: str | None) -> str | None:
        """Why a waiver with that last day and reason does not hold, as a clause."""
        if until is not None and until < self.today:
            return f"ended on {until.isoformat()}"
        if self.needs_reason and not reason:
            return "gives no reason, which `require-reason` asks for"
        return None


def _names_table(pattern: str, table: str) -> bool:
    return fnmatchcase(table, pattern) or ("." not in pattern and fnmatchcase(table.rpartition(".")[2], pattern))
