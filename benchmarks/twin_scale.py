"""How long a planner twin of 2,000 tables with 10,000 indexes takes to build, and a what-if EXPLAIN on it.

    python benchmarks/collect_scale.py ...   makes the database and can write its snapshot (`--collect DSN --file FILE`)
    python benchmarks/twin_scale.py FILE

Beside it, in the same run, psql loads what `pg_dump --schema-only` of the twin gives into a server of the same kind.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from pgadvisor.collect.file import read_snapshot
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Configuration, HypotheticalIndex, Question
from pgadvisor.planner.binaries import wheel_directory
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.whatif import TwinPlanner

LIMIT_S, LIMIT_MS = 15.0, 2.0
QUESTIONS = 500


def main() -> int:
    """Prints the figures as JSON; 1 when they are over the limits."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("snapshot", type=Path)
    snapshot = read_snapshot(arguments.parse_args().snapshot)
    began = time.perf_counter()
    with Twin(snapshot, binaries=wheel_directory()) as twin:
        seconds = time.perf_counter() - began
        asked = _what_if_ms(twin, snapshot)
        loaded = _load_seconds(twin)
    figures = {
        "tables": len(snapshot.tables),
        "indexes": sum(len(table.indexes) for table in snapshot.tables),
        "twin_s": round(seconds, 2),
        "what_if_ms": round(asked, 2),
        "psql_schema_s": round(loaded, 2),
        "ratio": round(seconds / loaded, 2),
    }
    print(json.dumps(figures, indent=1))
    return int(seconds > LIMIT_S or asked > LIMIT_MS)


def _what_if_ms(twin: Twin, snapshot: Snapshot) -> float:
    """Of one EXPLAIN among many, each time with another index shown."""
    tables = [table for table in snapshot.tables if table.column("email")][:10]
    texts = [f"SELECT * FROM {table.qualified} WHERE email = 'x' AND state = 'new'" for table in tables]
    indexes = [
        HypotheticalIndex(
            name=f"tried_{column}_{at}",
            schema=table.schema,
            table_name=table.name,
            definition=f"CREATE INDEX tried_{column}_{at} ON {table.qualified} ({column})",
        )
        for at, table in enumerate(tables)
        for column in ("email", "state")
    ]
    with TwinPlanner(twin.connect, twin.label) as planner:
        questions = [Question(Configuration(create=(index,)), tuple(texts)) for index in indexes]
        planner.costs(questions)  # makes the indexes
        began = time.perf_counter()
        rounds = max(QUESTIONS // (len(texts) * len(questions)), 1)
        for _ in range(rounds):
            planner.costs(questions)
        return (time.perf_counter() - began) * 1000 / (rounds * len(texts) * len(questions))


def _load_seconds(twin: Twin) -> float:
    """What psql needs for the schema alone."""
    programs = wheel_directory()
    dump = subprocess.run(
        [str(programs / "pg_dump"), "--schema-only", "--dbname", twin.dsn], check=True, capture_output=True
    )
    with EmbeddedServer(settings={"max_locks_per_transaction": "8192"}) as server:
        began = time.perf_counter()
        subprocess.run(
            [str(programs / "psql"), "--quiet", "--dbname", server.dsn()], input=dump.stdout, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
