"""A plan read from EXPLAIN's text, YAML or XML is the plan read from its JSON."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from msgspec.structs import asdict, replace

from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.pasted.reading import read_pasted
from tests.fix_servers import Server, create_database, drop_database
from tests.pasted.statements import CASES, MODERN, SCHEMA, Case

Explain = Callable[[Case, str], str]
NOT_SAID = {"Inner Unique", "Planned Partitions", "WAL Buffers Full"}
"""Keys that the text form leaves out, unless asked or of a size."""
CHANGING = ("_ms", "_kb", "workers_launched", "wal_bytes", "heap_fetches")
"""Fields that differ from one execution to the next."""
WORK = ("Workers", "WAL", "Storage", "Cache ", "Hash Buckets", "Original Hash Buckets", "Groups", "Memory", "Local ")


@pytest.fixture(scope="module", params=["server", "debian15"])
def explain(request: pytest.FixtureRequest) -> Iterator[Explain]:
    """EXPLAIN in a form, as psql prints it; what it does is rolled back."""
    server: Server = request.getfixturevalue(request.param)
    dsn = create_database(server, "pasted")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM")
        connection.execute("PREPARE by_day(date) AS SELECT * FROM event WHERE at = $1")

        def explained(case: Case, form: str) -> str:
            if case in MODERN and connection.info.server_version < 180_000:
                pytest.skip("PostgreSQL 18 prints it")
            with connection.transaction(force_rollback=True):
                for setting in filter(None, case.settings.split(";")):
                    connection.execute(f"SET LOCAL {setting}")
                rows = connection.execute(f"EXPLAIN ({case.options}, FORMAT {form}) {case.sql}").fetchall()
            if form == "JSON":
                return json.dumps(rows[0][0])
            return "\n".join(row[0] for row in rows)

        yield explained
    drop_database(server, dsn)


@pytest.mark.parametrize("case", (*CASES, *MODERN), ids=lambda case: case.name)
def test_each_form_says_the_same(case: Case, explain: Explain) -> None:
    told = read_explain(json.loads(explain(case, "JSON")))
    for form in ("TEXT", "YAML", "XML"):
        read = read_pasted(explain(case, form).encode())
        assert len(read) == 1
        if (case.name, form) == ("incremental sort", "XML"):
            continue  # its XML gives groups of both kinds one name
        assert _comparable(read[0].plan, case) == _comparable(told, case), form


def _comparable(plan: Plan, case: Case) -> dict[str, Any]:
    bare = asdict(replace(plan, root=PlanNode(node_type="")))
    bare |= {name: value is not None for name, value in bare.items() if name.endswith(("_ms", "_kb"))}
    bare["triggers"] = [(each.table if case.is_verbose else "", each.constraint, each.calls) for each in plan.triggers]
    return {**bare, "root": [_node(each, case) for each in plan.root.walk()]}


def _node(node: PlanNode, case: Case) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(node).items() if name != "children"}
    other = {key: json.loads(text) for key, text in node.other}
    fields["other"] = {
        key: value
        for key, value in other.items()
        if value is not False and key not in NOT_SAID and not (case.is_analyzed and any(part in key for part in WORK))
    }
    for name in ("disk_usage_kb", "subplans_removed", "rows_removed_by_filter", "rows_removed_by_index_recheck"):
        fields[name] = fields[name] or None
    if "parallel_setup_cost" in case.settings:
        fields |= {"actual_rows": None, "actual_loops": None}
    fields["children"] = len(node.children)
    if case.is_analyzed:
        fields |= {name: value is not None for name, value in fields.items() if name.endswith(CHANGING)}
        fields |= {name: None for name in fields if name.endswith("_blocks")}  # the text form leaves out zeros
    return fields
