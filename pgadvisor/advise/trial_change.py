"""The index that a finding proposes, as it can be tried."""

from typing import NamedTuple

import msgspec

from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Finding
from pgadvisor.model.whatif import HypotheticalIndex
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.splitter import split_statements


class Change(NamedTuple):
    """What is tried for a finding."""

    made: HypotheticalIndex
    told: str
    """As DDL without the index's name."""


def change_of(finding: Finding, facts: Facts) -> Change | None:
    """The index that a finding proposes; None: its remedy is none, or not an index alone."""
    if finding.remedy.sql is None or finding.remedy.needs_rewrite or not (finding.cause or "").startswith("index "):
        return None
    for each in split_statements(finding.remedy.sql):
        ddl = read_create_index(each.text)
        table = None if isinstance(ddl, Unread) else _table(ddl, facts)
        if isinstance(ddl, Unread) or table is None or ddl.name is None:
            continue
        # ON ONLY is how a partitioned table's index is made without locks; what comes of it is an index on all of it.
        whole = msgspec.structs.replace(ddl, is_only=False)
        definition = whole.definition(table.schema, ddl.name)
        index = HypotheticalIndex(name=ddl.name, schema=table.schema, table_name=table.name, definition=definition)
        told = f"CREATE INDEX {definition[definition.index(' ON ') + 1 :]}"
        return Change(index, told)
    return None


def _table(ddl: IndexDdl, facts: Facts) -> Table | None:
    """The table that a CREATE INDEX means; its parts are compared apart, as either may hold a dot."""
    if ddl.schema is None:
        return facts.table(ddl.table)
    return next((each for each in facts.tables if (each.schema, each.name) == (ddl.schema, ddl.table)), None)
