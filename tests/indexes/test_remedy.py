"""The SQL of a remedy and of its undo, carried out on a real server."""

import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.indexes.remedy import drop_index
from pgadvisor.model.catalog import Table
from tests.rules.fix_audited import execute

MADE = """
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Order" ("Id" bigint, "select" text, at date){partitioned};
{partition}
CREATE INDEX "Order ON ONLY" ON "My Schema"."Order" ("select", lower("select"), "Id" DESC) WHERE "Id" > 0;
"""
PARTITION = (
    """CREATE TABLE "My Schema"."Order 1" PARTITION OF "My Schema"."Order" """
    "FOR VALUES FROM (MINVALUE) TO (MAXVALUE);"
)


def order(dsn: str) -> Table:
    with open_session(dsn) as session:
        return next(table for table in collect(session).tables if table.name == "Order")


@pytest.mark.parametrize("partitioned", [True, False], ids=["partitioned", "plain"])
def test_a_dropped_index_comes_back_as_it_was(database: str, partitioned: bool) -> None:
    by_range, partition = (" PARTITION BY RANGE (at)", PARTITION) if partitioned else ("", "")
    execute(database, MADE.format(partitioned=by_range, partition=partition))
    before = order(database)
    remedy = drop_index(before, before.indexes[0])
    execute(database, remedy.sql or "")
    assert order(database).indexes == ()
    execute(database, remedy.undo or "")
    after = order(database)
    assert after.indexes[0].is_valid
    assert (after.indexes[0].definition, after.indexes[0].keys) == (
        before.indexes[0].definition,
        before.indexes[0].keys,
    )
