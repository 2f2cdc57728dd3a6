"""`pgadvisor explain`: a pasted plan is shown with its own times and findings; nothing else is asked."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.run import assert_refused, pgadvisor
from tests.pasted.plans import DISGUISES

SPILL = """\
Sort  (cost=1.00..2.00 rows=1000000 width=49) (actual time=800.000..900.000 rows=1000000 loops=1)
  Sort Key: o.amount
  Sort Method: external merge  Disk: 51200kB
  ->  Seq Scan on orders o  (cost=0.00..1.00 rows=1000000 width=49) (actual time=0.020..100.000 rows=1000000 loops=1)
Planning Time: 0.210 ms
JIT:
  Functions: 4
  Options: Inlining false, Optimization false, Expressions true, Deforming true
  Timing: Generation 0.500 ms, Inlining 0.000 ms, Optimization 0.200 ms, Emission 3.400 ms, Total 4.100 ms
Trigger noted on orders: time=1.250 calls=3
Execution Time: 905.000 ms
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "plan.txt").write_text(f"{DISGUISES['psql with a prompt']}\n{SPILL}")
    return tmp_path / "plan.txt"


def test_each_plan_is_shown_with_its_figures_and_findings(file: Path) -> None:
    done = pgadvisor("explain", file.name, folder=file.parent)  # a long path would be wrapped
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split(f"{file.name}:29", 1)
    assert "FROM orders o JOIN customer c" in first
    assert re.search(r"└ Seq Scan on orders o +2\.1 ms +200 → 210 +148", first)
    assert re.search(r"▶ +Sort #\d+ +800 ms", second)
    assert re.search(r"└ Seq Scan on orders o +100 ms", second)
    told = " ".join(second.split())
    assert "905 ms to run" in told and "4.1 ms of JIT" in told and "trigger noted: 1.25 ms in 3 calls" in told
    assert "sort spills 51,200 kB to disk" in second and "SET LOCAL work_mem = '125MB';" in second
    assert "no database was asked" in done.stdout


def test_a_plan_may_come_from_stdin_and_fail_a_check() -> None:
    done = pgadvisor("explain", "-", "--fail-on", "warning", "--select", "sort-spills", "-q", stdin=SPILL)
    assert done.returncode == 1, done.stderr
    assert pgadvisor("explain", "-", "--ignore", "sort-spills", "--fail-on", "error", stdin=SPILL).returncode == 0


def test_each_format_holds_the_plans(file: Path, tmp_path: Path) -> None:
    page = tmp_path / "plan.html"
    done = pgadvisor("explain", file, "--format", "json", "-q", "--also", page, "--also", tmp_path / "plan.md")
    report = json.loads(done.stdout)
    assert [each["rule"] for each in report["findings"]].count("sort-spills") == 1
    assert [each["text"][:6] for each in report["statements"]] == ["SELECT", ""]
    assert "Seq Scan" in page.read_text() and "sort spills" in page.read_text()
    assert "sort spills" in (tmp_path / "plan.md").read_text()


def test_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    assert_refused(pgadvisor("explain", tmp_path / "none.txt"), "cannot be read")
    assert_refused(pgadvisor("explain", tmp_path), "cannot be read")
    assert_refused(pgadvisor("explain", "-", stdin="SELECT 1;"), "no plan", "paste what EXPLAIN printed")
