"""Records of an index that would serve a scan, and how it is told and compared."""

from typing import Literal

from pgadvisor.model.record import Record

Method = Literal["btree", "gin", "gist"]


class WantedKey(Record):
    """One key of an index that does not exist yet."""

    text: str
    """As CREATE INDEX takes it: `status`, `lower(email)`, `((data ->> 'k'))`."""
    key: str
    """The column's name, or the canonical text of the expression: what existing indexes are compared by."""
    label: str
    """What stands for it in the index's name."""
    column: str
    """The column in it."""
    operator_class: str | None = None
    is_descending: bool = False
    is_nulls_first: bool = False

    @property
    def is_column(self) -> bool:
        """Whether it is a bare column."""
        return self.key == self.column

    @property
    def sql(self) -> str:
        """The whole key in CREATE INDEX."""
        parts = [self.text, self.operator_class or "", "DESC" if self.is_descending else ""]
        if self.is_nulls_first != self.is_descending:
            parts.append("NULLS FIRST" if self.is_nulls_first else "NULLS LAST")
        return " ".join(part for part in parts if part)


class WantedIndex(Record):
    """An index that would serve a scan: equality keys first, then one range or the sort keys."""

    table: str
    """`schema.table`; of a partition its topmost parent."""
    keys: tuple[WantedKey, ...]
    equalities: int = 0
    """How many of the leading keys are compared for equality: those may stand in any order among themselves."""
    method: Method = "btree"
    predicate: str | None = None
    """SQL of a partial index's WHERE."""
    predicate_columns: tuple[str, ...] = ()
    part: float = 1.0
    """Share of the rows that it holds."""
    extension: str | None = None
    """The extension whose operator class it needs."""

    @property
    def columns(self) -> frozenset[str]:
        """Every column it speaks of."""
        return frozenset({*(key.column for key in self.keys), *self.predicate_columns})

    @property
    def tail(self) -> tuple[WantedKey, ...]:
        """The keys after the equalities."""
        return self.keys[self.equalities :]

    @property
    def spelled(self) -> str:
        """Its keys and predicate, as in CREATE INDEX."""
        method = "" if self.method == "btree" else f"USING {self.method} "
        where = f" WHERE {self.predicate}" if self.predicate else ""
        return f"{method}({', '.join(key.sql for key in self.keys)}){where}"

    @property
    def cause(self) -> str:
        """The same for all findings that one index would settle."""
        return f"index {self.table} {self.spelled}"
