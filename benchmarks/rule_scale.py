"""How long all rules take, and how much memory, on 5,000 statements, 2,000 tables and 500 plans, parsing included.

    python benchmarks/collect_scale.py --keep                                  makes the database, prints its DSN
    python benchmarks/collect_scale.py --collect DSN --file FILE --plans 500   makes the snapshot
    python benchmarks/rule_scale.py FILE

Statements without a plan are replaced by longer ones, as applications send them: the snapshot's own are five short
shapes; tables are made larger and calls more frequent, so that there is something to find. What is printed says where
the time goes: reading, the slowest rules, merging, and a whole audit without a planner.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from index_scale import uneven
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.merge import merge
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import audit_rules
from pgadvisor.advise.run import run_rules
from pgadvisor.collect.file import read_snapshot
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.fingerprint import fingerprint

LIMIT_S, LIMIT_MB = 30.0, 1024.0
SLOWEST = 15

SHAPES = (
    "WITH recent AS (SELECT a.customer_id, max(a.created_at) AS last_at, count(*) AS n FROM {0} AS a WHERE a.created_at"
    " >= $1 AND a.state = $2 GROUP BY a.customer_id) SELECT b.id, b.email, recent.n, recent.last_at FROM {1} AS b JOIN"
    " recent ON recent.customer_id = b.id LEFT JOIN {2} AS c ON c.customer_id = b.id AND c.deleted_at IS NULL WHERE"
    " lower(b.email) LIKE $3 AND (b.amount > $4 OR c.amount > $5) ORDER BY recent.last_at DESC LIMIT $6 OFFSET $7",
    "SELECT a.id, a.note, (SELECT count(*) FROM {1} AS b WHERE b.customer_id = a.id AND b.state <> $1) AS open_ones"
    " FROM {0} AS a WHERE a.id NOT IN (SELECT c.customer_id FROM {2} AS c WHERE c.created_at::date = $2) AND"
    " a.attributes ->> 'k' = $3 ORDER BY a.created_at",
    "SELECT DISTINCT a.id, a.email, b.amount FROM {0} AS a INNER JOIN {1} AS b ON b.customer_id = a.id LEFT OUTER JOIN"
    " {2} AS c ON c.id = b.customer_id WHERE a.tags @> $1 AND coalesce(a.note, $2) = $3 AND b.created_at BETWEEN $4"
    " AND $5 AND a.id IN ($6, $7, $8, $9, $10) UNION SELECT d.id, d.email, d.amount FROM {1} AS d WHERE d.state = $11",
    "UPDATE {0} SET note = $1, amount = amount + $2 FROM {1} AS b WHERE b.id = {0}.customer_id AND b.email = $3 AND"
    " date_trunc($4, {0}.created_at) = $5 RETURNING {0}.id",
    "SELECT * FROM (SELECT a.*, row_number() OVER (PARTITION BY a.customer_id ORDER BY a.created_at DESC) AS rn FROM"
    " {0} AS a JOIN {1} AS b USING (customer_id) WHERE ($1 IS NULL OR a.state = $2)) AS t WHERE rn <= $3",
    "INSERT INTO {0} (id, customer_id, email, note) SELECT b.id + $1, b.customer_id, b.email, c.note FROM {1} AS b"
    " CROSS JOIN LATERAL (SELECT note FROM {2} AS c WHERE c.customer_id = b.id ORDER BY c.id DESC LIMIT $2) AS c",
)


def main() -> int:
    """Prints the figures as JSON; 1 when they are over the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", type=Path)
    snapshot = uneven(_varied(read_snapshot(parser.parse_args().snapshot)))
    stages: dict[str, float] = {}
    began = time.perf_counter()
    queries, unread = read_queries(snapshot)
    facts = Facts(snapshot, queries)
    stages["reading"] = time.perf_counter() - began
    found, slow = _run(facts)
    stages["rules"] = sum(slow.values())
    began = time.perf_counter()
    merged = merge(found, facts)
    stages["merging"] = time.perf_counter() - began
    began = time.perf_counter()
    advise(snapshot)
    audit_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slowest = sorted(slow.items(), key=lambda each: -each[1])[:SLOWEST]
    figures = {
        "statements": len(snapshot.statements),
        "not_read": len(unread),
        "tables": len(snapshot.tables),
        "plans": sum(each.plan is not None for each in snapshot.plans),
        "rules_run": len(slow),
        "findings": len(found),
        "merged": len(merged),
        "seconds": {name: round(each, 2) for name, each in stages.items()},
        "slowest_rules": {name: round(each, 2) for name, each in slowest},
        "audit_seconds": round(audit_s, 2),
        "peak_mb": round(peak_mb),
    }
    print(json.dumps(figures, indent=1))
    return int(audit_s > LIMIT_S or peak_mb > LIMIT_MB)


def _run(facts: Facts) -> tuple[list[Finding], dict[str, float]]:
    """The findings of all rules, and the seconds of each."""
    found: list[Finding] = []
    seconds: dict[str, float] = {}
    for rule in audit_rules():
        began = time.perf_counter()
        findings, not_run = run_rules([rule], facts)
        if not not_run:
            seconds[rule.name] = time.perf_counter() - began
        found += findings
    return found, seconds


def _varied(snapshot: Snapshot) -> Snapshot:
    """The statements that have no plan, in longer words."""
    planned = {each.statement for each in snapshot.plans if each.plan is not None}
    names = [table.name for table in snapshot.tables]
    statements = tuple(_in_longer_words(snapshot.statements, planned, names))
    return replace(snapshot, statements=statements)


def _in_longer_words(statements: tuple[Statement, ...], planned: set[str], names: list[str]) -> Iterator[Statement]:
    for number, each in enumerate(statements):
        if each.key in planned or len(names) < len(SHAPES):
            yield each
            continue
        tables = [names[(number // len(SHAPES) + step) % len(names)] for step in range(3)]
        text = SHAPES[number % len(SHAPES)].format(*tables)
        yield replace(each, text=text, fingerprint=fingerprint(text))


if __name__ == "__main__":
    sys.exit(main())
