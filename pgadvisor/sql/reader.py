"""From a statement's text to a Query."""


from pgadvisor.model.catalog import Table, View
from pgadvisor.sql.query import Query


class Schema:
    """The tables and views that names in a query may mean; built once from a snapshot, empty without a database."""

    def __init__(
        self, tables: tuple[Table, ...] = (), views: tuple[View, ...] = (), search_path: tuple[str, ...] = ("public",)
    ) -> None:
        raise NotImplementedError


class Unread:
    """Why a text is not understood."""

    reason: str


def read_query(
    text: str, schema: Schema, *, statement: str | None = None, is_truncated: bool = False
) -> Query | Unread:
    """What the statement means. Never raises: what is not understood comes back as Unread with its reason."""
    raise NotImplementedError
