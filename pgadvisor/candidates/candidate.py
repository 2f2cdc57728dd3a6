"""An index that may be proposed, and what it was thought of for."""

from typing import Literal

from pgadvisor.model.record import Record
from pgadvisor.model.whatif import HypotheticalIndex
from pgadvisor.sql.identifiers import quoted

IndexMethod = Literal["btree", "hash", "gin", "gist", "spgist", "brin"]


class CandidateKey(Record):
    """One key of an index that may be proposed."""

    text: str
    """As CREATE INDEX takes it, without direction and class: `status`, `lower(email)`, `((data ->> 'k'))`."""
    key: str
    """The column's name, or the canonical text of the expression, COLLATE included: what indexes are compared by."""
    columns: tuple[str, ...]
    """Of the table, in it."""
    label: str
    """What stands for it in the index's name."""
    operator_class: str | None = None
    is_descending: bool = False
    is_nulls_first: bool = False
    collation: str | None = None
    """By its name, where the query asks for another than the column's own."""

    @property
    def is_column(self) -> bool:
        """Whether it is a bare column."""
        return self.columns == (self.key,)

    @property
    def held(self) -> str | None:
        """The column whose values it holds as they are, in whatever collation; None: it is another expression."""
        return self.columns[0] if self.columns and self.text == quoted(self.columns[0]) else None

    @property
    def sql(self) -> str:
        """The whole key in CREATE INDEX."""
        collate = "" if self.collation is None else f"COLLATE {quoted(self.collation)}"
        parts = [self.text, collate, self.operator_class or "", "DESC" if self.is_descending else ""]
        if self.is_nulls_first != self.is_descending:
            parts.append("NULLS FIRST" if self.is_nulls_first else "NULLS LAST")
        return " ".join(part for part in parts if part)


class Candidate(Record):
    """An index that may be proposed: its shape is its identity, it has no name yet."""

    schema: str
    table_name: str
    """Bare; of a partition its topmost parent."""
    keys: tuple[CandidateKey, ...]
    method: IndexMethod = "btree"
    included: tuple[str, ...] = ()
    """INCLUDE: bare columns."""
    predicate: str | None = None
    """SQL of a partial index's WHERE, in the canonical spelling, conjuncts sorted."""
    predicate_columns: tuple[str, ...] = ()
    extension: str | None = None
    """The extension whose operator class it needs."""
    is_unique: bool = False
    """Only where a person asks for it: what values may come is not ours to promise."""

    @property
    def table(self) -> str:
        """`schema.table`, unquoted."""
        return f"{self.schema}.{self.table_name}"

    @property
    def columns(self) -> frozenset[str]:
        """Every column it holds or speaks of: an UPDATE of one of them cannot be HOT."""
        keys = (column for key in self.keys for column in key.columns)
        return frozenset((*keys, *self.included, *self.predicate_columns))

    @property
    def spelled(self) -> str:
        """All that follows the table's name in CREATE INDEX."""
        method = "" if self.method == "btree" else f"USING {self.method} "
        include = f" INCLUDE ({', '.join(quoted(name) for name in self.included)})" if self.included else ""
        where = f" WHERE {self.predicate}" if self.predicate else ""
        return f"{method}({', '.join(key.sql for key in self.keys)}){include}{where}"

    def named(self, name: str) -> HypotheticalIndex:
        """The index as it can be tried."""
        on = f"{quoted(self.schema)}.{quoted(self.table_name)}"
        return HypotheticalIndex(
            name=name,
            schema=self.schema,
            table_name=self.table_name,
            definition=f"CREATE {'UNIQUE ' if self.is_unique else ''}INDEX {quoted(name)} ON {on} {self.spelled}",
        )
