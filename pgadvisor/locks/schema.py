"""What the table of locks asks of the schema as it is before a step."""

from typing import Literal, Protocol

from pgadvisor.model.catalog import Table, UserType

Name = tuple[str | None, str]
"""(schema, name) as DDL writes it."""


class Schema(Protocol):
    """The schema before a step. What it does not know is None, and never means that there is none."""

    def qualified(self, name: Name) -> str:
        """The name as `schema.name`, by the search path where it was written bare."""

    def table(self, name: Name | str | None) -> Table | None:
        """The table, as far as it is known; None: nothing is known of it."""

    def is_whole(self, name: Name | str | None) -> bool:
        """Whether all columns, constraints and indexes of the table are known."""

    def is_new(self, name: Name | str | None) -> bool:
        """Whether the table was made by what is judged: no program reads or writes it yet."""

    def table_of_index(self, name: Name) -> str | None:
        """The table of an index, as `schema.table`."""

    def tables(self) -> tuple[Table, ...]:
        """All tables of which something is known."""

    def user_type(self, spelled: str) -> UserType | None:
        """The enum, domain, composite or range of that name, array brackets left out."""

    def has_constraints(self, domain: str) -> bool | None:
        """Whether a domain has constraints."""

    def volatility(self, function: str) -> Literal["immutable", "stable", "volatile"] | None:
        """Of the user's function of that bare name."""

    def setting(self, name: str) -> str | None:
        """A setting in force: set by the migration, or that of the database."""
