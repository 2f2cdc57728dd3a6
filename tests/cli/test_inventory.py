"""Tests of `pgadvisor audit --inventory`: many databases side by side, whatever happens to one of them."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.cli.inventory import listed, read_inventory
from pgadvisor.cli.options import FailOn, PlannerKind
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import write_snapshot
from pgadvisor.collect.session import open_session
from pgadvisor.errors import UsageError
from tests.cli.run import COMMAND, assert_refused, pgadvisor
from tests.logs.make_logs import run, stderr
from tests.small_shop import fill

PASSWORD = "s3cret-of-the-shop"
CUSTOMER = "424242"
ENTRY = '[[database]]\ndsn = "dbname=shop"\n'


@pytest.fixture(scope="module")
def shop(new_database: Callable[..., str]) -> str:
    dsn = new_database("inventory")
    fill(dsn)
    return dsn


@pytest.fixture(scope="module")
def snapshot(shop: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshots") / "shop.pgsnap"
    with open_session(shop) as session:
        write_snapshot(path, collect(session))
    return path


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_database_that_fails_does_not_stop_the_others(shop: str, snapshot: Path, tmp_path: Path) -> None:
    values = {"detail": f"parameters: $1 = '{CUSTOMER}'", "database": conninfo_to_dict(shop)["dbname"]}
    text = "SELECT id, status FROM orders WHERE customer_id = $1"
    calls = [run(text, 7.0, step="execute s1", second=at, **values) for at in range(4)]
    (tmp_path / "live.log").write_bytes(stderr(calls))
    inventory = written(
        tmp_path,
        "databases.toml",
        f'[[database]]\nname = "live"\ndsn = "{make_conninfo(shop, password=PASSWORD)}"\nlog = "live.*"\n'
        '[[database]]\nname = "away"\ndsn = "host=127.0.0.1 port=1 dbname=gone user=nobody"\n'
        f'[[database]]\nsnapshot = "{snapshot}"\nplanner = "none"\n',
    )
    folder = tmp_path / "reports"
    done = pgadvisor("audit", "--inventory", inventory, "-o", folder, "--jobs", "3")
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'away: cannot connect: nothing listens at "127.0.0.1", port 1: check host and port' in done.stderr
    assert "pgadvisor: 1 of 3 databases could not be audited (away)" in done.stderr
    assert "a password stands in the connection of live" in done.stderr and ".pgpass" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(file.name for file in folder.iterdir()) == ["index.html", "index.json", "live.html", "shop.html"]
    told = done.stderr + "".join(file.read_text("utf-8") for file in folder.iterdir())
    assert PASSWORD not in told
    assert CUSTOMER not in told, "planned with the values of the log, and none of them shown"
    live, away, kept = json.loads((folder / "index.json").read_text("utf-8"))["databases"]
    assert [live["name"], away["name"], kept["name"]] == ["live", "away", "shop"], "in the order of the inventory"
    assert (live["report"], live["failure"]) == ("live.html", None)
    assert live["headline"] and live["headline"] in (folder / "live.html").read_text("utf-8")
    assert away["report"] is None and away["next_step"] == "check host and port, and that the server runs"
    page = (folder / "index.html").read_text("utf-8")
    assert 'href="live.html"' in page and 'href="shop.html"' in page and "Could not be audited" in page
    assert 'href="index.html"' in (folder / "shop.html").read_text("utf-8")


def test_findings_fail_as_each_database_asks(shop: str, snapshot: Path, tmp_path: Path) -> None:
    common = ("--planner", "none", "--format", "json", "-o")
    calm = written(tmp_path, "calm.toml", f'[[database]]\nname = "a"\nsnapshot = "{snapshot}"\nfail_on = "never"\n')
    done = pgadvisor("audit", "--inventory", calm, *common, tmp_path / "one", "--fail-on", "info")
    assert done.returncode == 0, done.stderr
    done = pgadvisor("audit", shop, snapshot, *common, tmp_path / "two", "--fail-on", "info", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    names = sorted(file.name for file in (tmp_path / "two").iterdir())
    assert len(names) == 4 and names[:2] == ["index.html", "index.json"]
    rows: list[dict[str, Any]] = json.loads((tmp_path / "two" / "index.json").read_text("utf-8"))["databases"]
    for row in rows:
        report = json.loads((tmp_path / "two" / row["report"]).read_text("utf-8"))
        assert row["failing"] == len(report["findings"]) == row["errors"] + row["warnings"] + row["info"] > 0


def test_the_file_is_read_with_all_that_it_says(snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "old.pgsnap").write_bytes(snapshot.read_bytes())
    toml = written(
        tmp_path,
        "a.toml",
        '[[database]]\nname = "shop-1"\nservice = "shop"\nlog = ["log/*.csv", "/var/log/shop.log"]\n'
        'planner = "hypopg"\nfail-on = "error"\n\n[[database]]\ndsn = "postgresql://me:secret@db/shop"\nlog = "x.log"\n'
        '[[database]]\ndsn = "host=other dbname=shop"\n[[database]]\nsnapshot = "old.pgsnap"\n',
    )
    first, second, third, fourth = read_inventory(toml)
    assert (first.name, first.source, first.line) == ("shop-1", "service=shop", 1)
    assert first.logs == (f"{tmp_path}/log/*.csv", "/var/log/shop.log"), "a name counts from the inventory"
    assert (first.planner, first.fail_on, first.has_password) == (PlannerKind.HYPOPG, FailOn.ERROR, False)
    assert (second.name, second.has_password, second.logs) == ("shop", True, (f"{tmp_path}/x.log",))
    assert (third.name, third.line) == ("shop-2", 11), "named after what it names, each otherwise"
    assert (fourth.name, fourth.source) == ("old", str(tmp_path / "old.pgsnap"))
    plain = written(tmp_path, "plain.txt", "# ours\n\nshop\nold.pgsnap\nhost=a dbname=index\npostgresql://h/B%20b\n")
    found = read_inventory(plain)
    assert [(each.name, each.line) for each in found] == [("shop", 3), ("old", 4), ("index-2", 5), ("B-b", 6)]
    assert [each.source for each in found[:2]] == ["service=shop", str(tmp_path / "old.pgsnap")]
    sources = ("service=shop", "host=b dbname=shop", str(tmp_path / "old.pgsnap"))
    assert [each.name for each in listed(sources)] == ["shop", "shop-2", "old"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{ENTRY}dsn = 3\n", 3, "no valid TOML"),
        (f"{ENTRY}\n{ENTRY}\nplaner = 'none'\n", 7, "unknown field `planer`"),
        (f"{ENTRY}\njobs = 3\nfail_no = 'error'\n", 4, "unknown field `jobs`"),
        (f"# of all\n\nfail-on = 'error'\n{ENTRY}", 3, "unknown field `fail-on`"),
        (f"{ENTRY}[[databases]]\n", 3, "unknown field `databases`"),
        (f"{ENTRY}planner = 'magic'\n", 3, "'magic'"),
        ("[[database]]\nname = 'a'\ndsn = 5\n", 3, "expected `str | null`, got `int`"),
        ("[[database]]\nname = 'a'\n", 1, "one of dsn, service and snapshot"),
        (f"{ENTRY}service = 'shop'\n", 1, "one of dsn, service and snapshot"),
        (f"{ENTRY}[[database]]\nname='a'\ndsn = 'host=a pass{PASSWORD}'\n", 3, "connection string cannot be read"),
        (f"{ENTRY}name = '../up'\n", 1, "letters, digits"),
        (f"{ENTRY}name = 'Index'\n", 1, "the overview is called so"),
        (f"{ENTRY}name = 'a'\n{ENTRY}name = 'A'\n", 4, "line 1 has it"),
        ("[[database]]\nsnapshot = 'no.pgsnap'\n", 1, "no snapshot file"),
        ("shop\nhost='\n", 2, "connection string cannot be read"),
        ("shop\nlast week.pgsnap\n", 2, "no name of a service"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, "inventory", text)
    with pytest.raises(UsageError) as refused:
        read_inventory(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert words in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    inventory = written(tmp_path, "a.txt", "shop\n")
    folder = tmp_path / "out"
    assert_refused(pgadvisor("audit", "--inventory", inventory), "-o DIR")
    assert_refused(pgadvisor("audit", "--inventory", inventory, "-o", inventory), "is a file")
    assert_refused(pgadvisor("audit", "--inventory", inventory, "-o", tmp_path / "no" / "where"), "cannot be written")
    assert_refused(pgadvisor("audit", "dbname=a", "--inventory", inventory, "-o", folder), "leave out SOURCE")
    assert_refused(pgadvisor("audit", "--inventory", inventory, "-o", folder, "--redact"), "for one database")
    assert_refused(pgadvisor("audit", "--inventory", inventory, "-o", folder, "--format", "github"), "html, json")
    assert_refused(pgadvisor("audit", "host=a", "dbname=b", "-o", folder), "quotes")
    done = pgadvisor("audit", "dbname=a", PASSWORD, "-o", folder)
    assert_refused(done, "dbname=NAME")
    assert PASSWORD not in done.stderr
    assert_refused(pgadvisor("audit", "--inventory", tmp_path / "none", "-o", folder), "cannot be read")
    assert_refused(
        pgadvisor("audit", "--inventory", written(tmp_path, "e", "# nothing\n"), "-o", folder), "no database"
    )
    assert not folder.exists()


def test_ctrl_c_stops_all_and_leaves_nothing(shop: str, tmp_path: Path) -> None:
    """It comes as soon as the first statement is on its way to the server."""
    inventory = written(tmp_path, "databases", f"{shop}\n{shop}\n{shop}\n")
    command = [*COMMAND, "audit", "--inventory", str(inventory), "-o", str(tmp_path / "out"), "--show-sql"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "/* pgadvisor */" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)  # ends when the last process that has its stderr ends
    assert process.returncode == 2, said
    assert "pgadvisor: stopped: nothing was written" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [inventory]
    with psycopg.connect(shop) as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert connection.execute(left).fetchone() == (0,)
