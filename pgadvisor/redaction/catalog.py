"""The names that a report's catalog knows, and the texts that sentences quote from it."""

import re
from collections.abc import Callable, Iterable, Iterator

from pgadvisor.model.catalog import Table
from pgadvisor.model.report import Report
from pgadvisor.redaction import postgres_names
from pgadvisor.redaction.pseudonyms import Kind

_HOSTS = re.compile(r"the previous run read (\S+), this one (\S+): ")
"""The sentence that names the server of the previous run, which is nowhere else in the report."""


def catalog_of(report: Report) -> dict[str, Kind]:
    """Every name with what it is of; of a word that is several things the first of them."""
    found: dict[str, Kind] = {}
    for name, kind in _names(report):
        if name and name not in postgres_names.SCHEMAS:
            found.setdefault(name, kind)
    return found


def _names(report: Report) -> Iterator[tuple[str, Kind]]:
    for table in report.tables:
        yield table.name, "table"
        if not table.schema.startswith("pg_"):
            yield table.schema, "schema"
    for table in report.tables:
        yield from ((column.name, "column") for column in table.columns)
        yield from ((index.name, "index") for index in table.indexes)
        yield from ((constraint.name, "constraint") for constraint in table.constraints)
        yield from ((trigger.name, "trigger") for trigger in table.triggers)
        yield from ((each.name, "statistics") for each in table.extended_statistics)
        yield from ((policy.name, "name") for policy in table.policies)
        yield from ((rule, "name") for rule in table.rewrite_rules)
    if report.server:
        yield report.server.database, "database"
        yield report.server.host or "", "host"
    for gap in report.gaps:
        if gap.subject == "the previous run" and (hosts := _HOSTS.match(gap.reason)):
            yield from ((host, "host") for host in hosts.groups())
    for statement in report.statements:
        yield statement.name or "", "endpoint"
        yield statement.file or "", "file"
        yield from ((value, "endpoint") for _, value in statement.tags)
    yield from ((endpoint.name, "endpoint") for endpoint in report.endpoints)


def whole_texts(report: Report, name: Callable[[str, Kind], str], sql: Callable[[str], str]) -> dict[str, str]:
    """Texts of the catalog that sentences quote as they are, each redacted: `shop.orders`, an index's definition."""
    found: dict[str, str] = {}
    for table in report.tables:
        schema = name(table.schema, "schema")
        found[table.qualified] = f"{schema}.{name(table.name, 'table')}"
        found.update(
            (f"{index.schema}.{index.name}", f"{schema}.{name(index.name, 'index')}") for index in table.indexes
        )
        found.update((text, sql(text)) for text in _definitions(table))
    return found


def _definitions(table: Table) -> Iterable[str]:
    parts = [table.partition_key, table.partition_bound]
    parts += [text for index in table.indexes for text in (index.definition, index.predicate)]
    parts += [text for index in table.indexes for text in (key.text for key in index.keys if key.column is None)]
    parts += [constraint.definition for constraint in table.constraints]
    parts += [text for policy in table.policies for text in (policy.using, policy.check)]
    return (part for part in parts if part)
