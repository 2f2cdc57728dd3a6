"""How well the rules judge labelled queries: precision and recall per family, and whether the remedies hold.

The corpus directory holds `schema.sql`, `seed.sql` and `queries.jsonl`, an object a line: `id`, `sql`, `labels` (the
families that must be found), `optional` (neither required nor wrong), `grey` (left out of precision) and `need` (`sql`,
`schema` or `plan`: what it takes to know). The schema is loaded into an embedded server, a snapshot is collected, each
query is planned without being run, and all rules run. With `--offline` the rules see the texts alone; only cases with
`need: sql` count.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from pgadvisor import __version__
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import all_rules
from pgadvisor.advise.run import run_rules
from pgadvisor.collect.collector import collect
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import open_session
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.rule import Rule
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.splitter import split_statements

FAMILIES = {
    "function-on-indexed-column": "function-on-column",
    "leading-wildcard": "leading-wildcard-like",
    "not-in-subquery": "not-in-nullable",
    "deep-offset": "offset-pagination",
    "count-for-existence": "count-star-for-existence",
    "jsonb-filter-without-index": "jsonb-filter-no-index",
    "no-partition-pruning": "partition-pruning",
    "distinct-masks-join": "distinct-masking-join",
    "union-without-duplicates": "union-vs-union-all",
    "having-without-aggregate": "having-instead-of-where",
    "left-join-made-inner": "left-join-where-filter",
    "cte-barrier": "cte-materialized-barrier",
    "needless-derived-table": "subquery-in-from",
    "redundant-group-key": "group-by-redundant",
    **{
        name: name
        for name in (
            "select-star",
            "implicit-cast",
            "correlated-subquery",
            "missing-limit",
            "null-comparison",
            "cartesian-join",
            "order-by-random",
            "dml-without-where",
            "or-across-columns",
            "large-in-list",
            "between-timestamps",
            "limit-without-order",
            "unused-left-join",
            "insert-without-columns",
        )
    },
}
"""Rule to family, where the corpus calls it otherwise too; rules without a family are not judged."""


@dataclass
class Score:
    """The counts of one family."""

    cases: int = 0
    found: int = 0
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        judged = self.found + len(self.false)
        return self.found / judged if judged else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.cases if self.cases else 1.0


Case = dict[str, Any]


def main() -> int:
    """Prints the table; 1 when precision or recall of the judged families is below the targets."""
    options = _options()
    cases = [json.loads(line) for line in (options.corpus / "queries.jsonl").read_text("utf-8").splitlines() if line]
    statements = tuple(_statement(number, case) for number, case in enumerate(cases, start=1))
    if options.offline:
        snapshot = Snapshot(format=FORMAT, pgadvisor=__version__, collected_at=datetime.now(UTC), statements=statements)
        facts = _facts(snapshot)
        found = _found(facts)
        judged = [case for case in cases if case["need"] == "sql"]
        return _report(_scores(judged, found, cases), options)
    with EmbeddedServer(options.binaries) as server:
        dsn = _load(server, options.corpus)
        facts = _facts(_snapshot(dsn, statements))
        found = _found(facts)
        code = _report(_scores(cases, found, cases), options)
        if options.findings:
            _print_findings(cases, found)
        return max(code, _try_remedies(dsn, cases, found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--offline", action="store_true", help="no database: the texts alone")
    parser.add_argument("--binaries", type=Path, help="the directory of other PostgreSQL programs")
    parser.add_argument("--findings", action="store_true", help="print every finding of the judged rules")
    parser.add_argument("--precision", type=float, default=0.97)
    parser.add_argument("--recall", type=float, default=0.90)
    return parser.parse_args()


def _statement(number: int, case: Case) -> Statement:
    return Statement(
        key=f"#{number}", text=case["sql"], fingerprint=fingerprint(case["sql"]), position=number, name=case["id"]
    )


def _load(server: EmbeddedServer, corpus: Path) -> str:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE corpus")
        connection.execute("ALTER DATABASE corpus SET timezone = 'UTC'")
    dsn = server.dsn("corpus")
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in ("schema.sql", "seed.sql"):
            for each in split_statements((corpus / name).read_text("utf-8")):
                connection.execute(each.text.encode())
        connection.execute("VACUUM ANALYZE")
    return dsn


def _snapshot(dsn: str, statements: tuple[Statement, ...]) -> Snapshot:
    """What a real collection gives, with the cases as its statements and their plans."""
    with open_session(dsn) as session:
        collected = collect(session, keep_values=True)
        asked = msgspec.structs.replace(collected, statements=statements, totals=None)
        planned = collect_plans(session, asked, PlanOptions(analyze=False))
    for each in planned.plans:
        if each.plan is None:
            print(f"not planned: {each.statement}: {each.reason}", file=sys.stderr)
    return planned


def _facts(snapshot: Snapshot) -> Facts:
    queries, unread = read_queries(snapshot)
    for each in unread:
        print(f"not understood: {each.statement}: {each.reason}", file=sys.stderr)
    return Facts(snapshot, queries)


def _found(facts: Facts) -> dict[str, list[Finding]]:
    """Findings of the judged rules by the name of their case."""

    def stop(rule: Rule, crash: Exception) -> None:
        raise RuntimeError(f"{rule.name} crashed") from crash

    rules = [rule for rule in all_rules() if rule.name in FAMILIES]
    findings, _ = run_rules(rules, facts, on_crash=stop)
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        for key in finding.statements:
            statement = facts.statement(key)
            if statement and statement.name:
                found[statement.name].append(finding)
    return found


def _scores(judged: list[Case], found: dict[str, list[Finding]], cases: list[Case]) -> dict[str, Score]:
    families = dict.fromkeys(FAMILIES[rule.name] for rule in all_rules() if rule.name in FAMILIES)
    scores = {family: Score() for family in families}
    for case in judged:
        hit = {FAMILIES[finding.rule] for finding in found[case["id"]]}
        for family in set(case["labels"]) & set(scores):
            scores[family].cases += 1
            if family in hit:
                scores[family].found += 1
            else:
                scores[family].missed.append(case["id"])
        if not case.get("grey"):
            for family in hit - set(case["labels"]) - set(case["optional"]):
                scores[family].false.append(case["id"])
    return scores


def _report(scores: dict[str, Score], options: argparse.Namespace) -> int:
    print(f"{'family':26} {'cases':>5} {'found':>5} {'false':>5} {'missed':>6} {'precision':>9} {'recall':>6}")
    total = Score()
    for family, score in scores.items():
        total.cases += score.cases
        total.found += score.found
        total.false += score.false
        total.missed += score.missed
        _print_score(family, score)
    _print_score("all", total)
    for family, score in scores.items():
        for word, names in (("false", score.false), ("missed", score.missed)):
            if names:
                print(f"{word} {family}: {', '.join(names)}")
    return int(total.precision < options.precision or total.recall < options.recall)


def _print_score(family: str, score: Score) -> None:
    print(
        f"{family:26} {score.cases:5} {score.found:5} {len(score.false):5} {len(score.missed):6} "
        f"{score.precision:9.3f} {score.recall:6.3f}"
    )


def _print_findings(cases: list[Case], found: dict[str, list[Finding]]) -> None:
    for case in cases:
        for finding in found[case["id"]]:
            print(f"\n{case['id']}  {finding.rule}  {finding.severity}: {finding.message}")
            for evidence in finding.evidence:
                print(f"  because {evidence.text} ({evidence.rung})")
            print(f"  remedy  {finding.remedy.text}")
            if finding.remedy.sql:
                print("          " + finding.remedy.sql.replace("\n", "\n          "))


def _try_remedies(dsn: str, cases: list[Case], found: dict[str, list[Finding]]) -> int:
    """Runs every remedy in a transaction that is rolled back; a rewritten query must return the same rows."""
    tried, failed = 0, 0
    with psycopg.connect(dsn) as connection:
        for case in cases:
            for finding in found[case["id"]]:
                if finding.remedy.sql is None:
                    continue
                tried += 1
                wrong = _wrong(connection, case["sql"], finding)
                connection.rollback()
                if wrong:
                    failed += 1
                    print(f"remedy of {finding.rule} for {case['id']}: {wrong}\n  {finding.remedy.sql}")
    print(f"remedies: {tried} run, {failed} failed")
    return int(failed > 0)


def _wrong(connection: psycopg.Connection[Any], original: str, finding: Finding) -> str | None:
    sql = finding.remedy.sql or ""
    try:
        if not sql.lower().startswith(("select", "with")):
            for each in split_statements(sql):
                connection.execute(re.sub(r"\bCONCURRENTLY\b", "", each.text).encode())
            return None
        if finding.rule in CHANGE_THE_RESULT:
            list(_rows(connection, sql))
            return None
        return None if sorted(_rows(connection, original)) == sorted(_rows(connection, sql)) else "other rows"
    except psycopg.Error as error:
        return str(error)


CHANGE_THE_RESULT = frozenset({"not-in-subquery", "null-comparison", "between-timestamps"})
"""Rules whose fault is the result itself."""


def _rows(connection: psycopg.Connection[Any], query: str) -> Iterator[str]:
    connection.execute("SET LOCAL statement_timeout = '60s'")
    cursor = connection.execute(query.encode())
    return (str(row) for row in cursor) if cursor.description else iter(())


if __name__ == "__main__":
    sys.exit(main())
