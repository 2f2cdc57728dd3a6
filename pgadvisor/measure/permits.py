"""Which statements are run on the copy: those that read, and those whose writes can be taken back."""

from collections import defaultdict
from collections.abc import Iterator

from pgadvisor.collect.reading import query
from pgadvisor.collect.safety import Judge
from pgadvisor.collect.safety_catalog import SafetyCatalog
from pgadvisor.collect.safety_names import Name, names_in
from pgadvisor.collect.session import Session
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import Unread, parse_tree
from pgadvisor.sql.syntax import walk

_EVENTS = {
    "InsertStmt": ("insert",),
    "UpdateStmt": ("update",),
    "DeleteStmt": ("delete",),
    "MergeStmt": ("insert", "update", "delete"),
}
"""What each kind of write may do to rows."""
_TABLES = frozenset({"r", "p", "m"})


class Permit(Record):
    """Whether a text is run, and how."""

    refused: str | None = None
    """Why it is not run, as a clause."""
    writes: bool = False
    """It writes or locks rows: not in a read-only transaction."""
    tables: tuple[tuple[str, str], ...] = ()
    """(schema, name) of all tables that it names."""


class Permits:
    """Judges texts by what the copy says of the things they name.

    A rollback takes back what a statement writes, and nothing that functions and triggers do outside the database:
    what is not known to be harmless is not run, as on an audited server.
    """

    def __init__(self, session: Session, search_path: tuple[str, ...]) -> None:
        """Raises StatementError when the server does not say what its functions are."""
        self._catalog = SafetyCatalog(session, search_path)
        self._judge = Judge(self._catalog)
        self._triggers: dict[tuple[int, str], list[str]] = defaultdict(list)
        for row in session.rows(query("firing_triggers", session.version_num // 10_000)):
            self._triggers[row["oid"], row["event"]].append(f"{row['name']} of {row['table_name']}")

    def permit(self, text: str) -> Permit:
        """For the text of one statement, as it would be sent."""
        verdict = self._judge.judge(text)
        if verdict.may_run:
            return Permit(tables=self._tables(text))
        verdict = self._judge.judge(text, may_write=True)
        refused = verdict.reason or self._fires(text)
        return Permit(refused=refused, writes=True, tables=self._tables(text))

    def _fires(self, text: str) -> str | None:
        for name, event in _written(text):
            relation = self._catalog.relation(name)
            triggers = self._triggers.get((relation.oid, event)) if relation else None
            if triggers:
                return f"may fire the trigger {triggers[0]}, whose function is not judged"
        return None

    def _tables(self, text: str) -> tuple[tuple[str, str], ...]:
        named = [self._catalog.relation(name) for name in names_in(text).relations]
        return tuple(sorted({(each.schema, each.name) for each in named if each and each.kind in _TABLES}))


def _written(text: str) -> Iterator[tuple[Name, str]]:
    """The tables that a statement, or a CTE of it, writes to, and what it does to their rows."""
    statements = parse_tree(text)
    if isinstance(statements, Unread):
        return
    for kind, body in walk(statements):
        if kind in _EVENTS:
            name = (body["relation"].get("schemaname"), body["relation"]["relname"])
            yield from ((name, event) for event in _EVENTS[kind])
            if "onConflictClause" in body:
                yield name, "update"
