"""How well the gate's rules judge labelled migrations, beside squawk: precision and recall, with a schema and without.

The corpus directory holds `migrations_schema.sql` and `migrations.jsonl`, an object a line: `id`, `sql`, `dangerous`,
`labels` (the families that must be found) and `clean_of` (the hazard whose safe form a clean case is). The schema comes
before the case, as a migration that is applied and not judged; without it the text stands alone. Families that no case
has, or is a safe form of, are not judged: nobody said whether they are there. squawk judges the text; `--squawk` names
its program.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Severity

Case = dict[str, Any]
VERSION = 15

FAMILIES = {
    "unique-not-using-index": "add-unique-constraint",
    "primary-key-not-using-index": "add-primary-key",
    "foreign-key-validated-at-once": "add-foreign-key",
    "check-validated-at-once": "add-check-constraint",
    "validated-in-same-transaction": "validate-in-same-transaction",
    "set-not-null-scans": "set-not-null",
    "volatile-default": "volatile-default",
    "required-column-without-default": "add-required-column",
    "auto-increment-column": "add-auto-increment",
    "stored-generated-column": "stored-generated-column",
    "type-change-rewrites": "change-column-type",
    "type-change-rebuilds-index": "change-column-type",
    "exclusion-constraint-builds-index": "add-exclusion-constraint",
    "backfill-in-schema-transaction": "backfill-in-ddl-transaction",
    "set-logged-rewrites": "set-logged",
    "json-column": "json-column",
    "detach-not-concurrent": "detach-partition",
    "attach-partition-scans": "attach-partition",
    "refresh-not-concurrent": "refresh-matview",
    "concurrent-in-transaction": "index-in-transaction",
}
"""Rule to family; of two rules the command decides. A rule whose name is a family is that family's."""

SQUAWK = {
    "adding-field-with-default": "volatile-default",
    "adding-foreign-key-constraint": "add-foreign-key",
    "adding-not-nullable-field": "set-not-null",
    "adding-required-field": "add-required-column",
    "adding-serial-primary-key-field": "add-primary-key",
    "ban-drop-column": "drop-column",
    "ban-drop-table": "drop-table",
    "ban-drop-database": "drop-database",
    "ban-truncate-cascade": "truncate",
    "changing-column-type": "change-column-type",
    "constraint-missing-not-valid": "add-check-constraint",
    "disallowed-unique-constraint": "add-unique-constraint",
    "renaming-column": "rename-column",
    "renaming-table": "rename-table",
    "require-concurrent-index-creation": "add-index-not-concurrent",
    "require-concurrent-index-deletion": "drop-index-not-concurrent",
    "require-concurrent-partition-detach": "detach-partition",
    "require-concurrent-reindex": "reindex-not-concurrent",
    "require-concurrent-refresh-materialized-view": "refresh-matview",
    "ban-vacuum-full": "vacuum-full",
}
"""squawk's rules to the same families; its rules of style and robustness have none."""


class Score(NamedTuple):
    """What was found of what there is, by family."""

    found: int
    missed: tuple[str, ...]
    false: tuple[str, ...]

    @property
    def precision(self) -> float:
        """Share of what was said that is true."""
        return self.found / (self.found + len(self.false)) if self.found or self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was said."""
        return self.found / (self.found + len(self.missed)) if self.found or self.missed else 1.0


def main() -> int:
    """Prints the scores; 1 where ours fall short of what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", type=Path, help="directory with migrations.jsonl and migrations_schema.sql")
    parser.add_argument("--squawk", default=shutil.which("squawk"), help="its program; without it: only ours")
    parser.add_argument("--detail", action="store_true", help="name what was missed and what is false")
    options = parser.parse_args()
    cases = [json.loads(line) for line in (options.corpus / "migrations.jsonl").read_text("utf-8").splitlines() if line]
    schema = (options.corpus / "migrations_schema.sql").read_text("utf-8")
    runs: dict[str, Callable[[Case], set[str]]] = {
        "with the schema": lambda case: ours(case, schema),
        "without": lambda case: ours(case, ""),
    }
    if options.squawk:
        runs["squawk"] = lambda case: squawk(case, options.squawk)
    scores = {name: score(cases, judge) for name, judge in runs.items()}
    print(f"{len(cases)} cases, {sum(bool(each['labels']) for each in cases)} of them dangerous, PostgreSQL {VERSION}")
    print(f"{'':18} {'precision':>9} {'recall':>7} {'missed':>7} {'false':>6}")
    for name, each in scores.items():
        print(f"{name:18} {each.precision:9.3f} {each.recall:7.3f} {len(each.missed):7} {len(each.false):6}")
        for what in (*each.missed, *each.false) if options.detail else ():
            print(f"    {what}")
    wanted = {"with the schema": 0.95, "without": 0.9}
    return int(any(min(scores[name].precision, scores[name].recall) < least for name, least in wanted.items()))


def score(cases: Sequence[Case], judge: Callable[[Case], set[str]]) -> Score:
    """The counts over all cases. A family of several labels in one case counts for each."""
    found, missed, false = 0, [], []
    judged = {family for case in cases for family in (*case["labels"], case["clean_of"])}
    for case in cases:
        said, labels = judge(case) & judged, set(case["labels"])
        if "hidden-in-do" in labels and said:
            said = {"hidden-in-do"}
        found += len(said & labels)
        missed += [f"missed {label}: {case['id']}" for label in sorted(labels - said)]
        false += [f"false {label}: {case['id']}" for label in sorted(said - labels)]
    return Score(found, tuple(missed), tuple(false))


def ours(case: Case, schema: str) -> set[str]:
    """The families that the gate finds, at warning or worse."""
    migrations = (migration_of("1_schema.sql", schema, is_judged=False), migration_of("2_case.sql", case["sql"]))
    steps = steps_of(migrations, version=VERSION)
    gate = GateFacts(migrations, version=VERSION)
    found = [each for rule in gate_rules() for each in findings_of(rule, steps, gate)]
    return {family_of(each) for each in found if each.severity is not Severity.INFO}


def family_of(finding: Finding) -> str:
    """The family of a finding: the rule's own name where no other stands for it."""
    if finding.rule == "index-not-concurrent":
        command = (finding.cause or "").split()[0]
        return {"create": "add-index", "drop": "drop-index", "reindex": "reindex"}[command] + "-not-concurrent"
    if finding.rule == "whole-table-changed-at-once":
        return (finding.cause or "").split()[2] + "-without-where"
    if (finding.cause or "").startswith("rename schema "):
        return "rename-schema"
    return FAMILIES.get(finding.rule, finding.rule)


def squawk(case: Case, program: str) -> set[str]:
    """The families that squawk finds."""
    given = [program, "--reporter", "Json", "--pg-version", str(VERSION), "--stdin-filepath", f"{case['id']}.sql"]
    ended = subprocess.run(given, input=case["sql"], capture_output=True, text=True, check=False)
    said: dict[str, int] = defaultdict(int)
    for each in json.loads(ended.stdout or "[]"):
        said[each["rule_name"]] += 1
    return {family for name in said if (family := SQUAWK.get(name))}


if __name__ == "__main__":
    sys.exit(main())
