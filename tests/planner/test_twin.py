"""Tests of the twin as a whole: that it comes up named right, is closed to others, and leaves nothing behind."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.collect.file import read_snapshot, write_snapshot
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.binaries import server_user
from pgadvisor.planner.embedded import EmbeddedServer, remove_stale
from pgadvisor.planner.twin import Twin, find_binaries
from tests.fix_servers import Server
from tests.planner.fix_twin_schema import collected, execute
from tests.planner.test_embedded import wait_until

SHOP = """
CREATE TABLE orders (id bigint PRIMARY KEY, note text); CREATE INDEX ON orders (note);
INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 20000) AS i; VACUUM ANALYZE orders
"""


@pytest.fixture
def shop(database: str) -> Snapshot:
    execute(database, *SHOP.split(";"))
    return collected(database)


def directory_of(twin: Twin) -> Path:
    return Path(str(conninfo_to_dict(twin.dsn)["host"]))


@pytest.mark.parametrize("keep_values", [False, True])
def test_it_stands_with_and_without_values(shop: Snapshot, tmp_path: Path, keep_values: bool) -> None:
    path = tmp_path / "shop.pgsnap"
    write_snapshot(path, shop, keep_values=keep_values)
    steps: list[tuple[str, int, int]] = []
    with Twin(read_snapshot(path), progress=lambda *step: steps.append(step)) as twin, twin.connect() as connection:
        assert conninfo_to_dict(twin.dsn)["dbname"] == shop.server.database  # type: ignore[union-attr]
        assert connection.autocommit
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
        assert connection.execute("SELECT current_database()").fetchone() == (shop.server.database,)  # type: ignore[union-attr]
        assert connection.info.server_version == twin.version_num
        assert twin.version == connection.info.parameter_status("server_version").split(" ")[0]  # type: ignore[union-attr]
        (plan,) = connection.execute("EXPLAIN (FORMAT JSON) SELECT * FROM orders WHERE id = 7").fetchone() or ([],)
        assert plan[0]["Plan"]["Node Type"] == "Index Scan"
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'orders'").fetchone() == (1,)
    assert steps[0][0] == "planner twin"
    assert steps[-1][1] == steps[-1][2] > 0
    assert not directory_of(twin).exists()
    twin.stop()


def test_the_label_names_both_versions_where_they_differ(shop: Snapshot) -> None:
    assert shop.server is not None
    other = msgspec.structs.replace(shop.server, version_num=90_624, version="9.6.24")
    with Twin(msgspec.structs.replace(shop, server=other)) as twin:
        assert twin.label == f"planner twin, PostgreSQL {twin.version} for a server of 9.6.24"
    own = msgspec.structs.replace(shop.server, version_num=twin.version_num, version=twin.version)
    with Twin(msgspec.structs.replace(shop, server=own)) as twin:
        assert twin.label == f"planner twin, PostgreSQL {twin.version}"


def test_programs_of_the_servers_major_version_are_found(debian15: Server) -> None:
    with psycopg.connect(debian15.dsn(), autocommit=True) as connection:
        version = connection.info.server_version
    assert find_binaries(15) == Path("/usr/lib/postgresql/15/bin")
    with Twin(collected(debian15.dsn())) as twin:
        assert twin.version_num == version
        assert " for " not in twin.label


@pytest.mark.parametrize("name", ['Größe "of" it\'s', "postgres", "template1", "select", "a\\b =c"])
def test_any_name_of_a_database(server: Server, name: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None
        if not exists:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        with Twin(collected(make_conninfo(server.dsn(), dbname=name))) as twin, twin.connect() as connection:
            expected = "postgres" if name == "template1" else name
            assert connection.execute("SELECT current_database()").fetchone() == (expected,)
    finally:
        if not exists:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_it_orders_texts_as_the_server_or_says_so(shop: Snapshot) -> None:
    other = [each for each in shop.settings if each.name not in ("lc_collate", "lc_ctype", "locale_provider", "locale")]
    english = [msgspec.structs.replace(other[0], name=name, value="xx_YY.UTF-8") for name in ("lc_collate", "lc_ctype")]
    with Twin(msgspec.structs.replace(shop, settings=(*other, *english))) as twin, twin.connect() as connection:
        (gap,) = [gap for gap in twin.gaps if gap.subject == "locale"]
        assert "xx_YY.UTF-8" in gap.reason
        plan = connection.execute("EXPLAIN SELECT * FROM orders WHERE note LIKE 'note 77%'").fetchall()
        assert "Index Cond" not in str(plan), "only with the C locale may an index serve LIKE"


def test_it_is_closed_to_others_and_two_do_not_meet(shop: Snapshot) -> None:
    with Twin(shop) as one, Twin(shop) as other:
        assert one.dsn != other.dsn
        for twin in (one, other):
            status = directory_of(twin).stat()
            assert stat.S_IMODE(status.st_mode) == 0o700
            assert status.st_uid == server_user().uid
            with twin.connect() as connection:
                assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
                assert connection.execute("SHOW autovacuum").fetchone() == ("off",)
        with one.connect() as connection:
            connection.execute("DROP TABLE orders")
        with other.connect() as connection:
            assert connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'orders'").fetchone() == (1,)


OWNER = """
import sys, time
from pathlib import Path
from pgadvisor.collect.file import read_snapshot
from pgadvisor.planner.twin import Twin
twin = Twin(read_snapshot(Path(sys.argv[1])))
print(twin.dsn, flush=True)
time.sleep(900)
"""


def test_killed_it_leaves_nothing(shop: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    write_snapshot(path, shop)
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    directory = Path(str(conninfo_to_dict(owner.stdout.readline())["host"]))
    assert directory.exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert wait_until(lambda: not directory.exists())


def test_killed_with_its_supervisor_the_next_run_removes_it(shop: Snapshot, tmp_path: Path) -> None:
    """As after a power cut: the directory stands there with the grown files and nobody's lock on it."""
    with Twin(shop) as twin:
        left = directory_of(twin).with_name("pgadvisor-server-killed00")
        subprocess.run(["cp", "-a", "--sparse=always", str(directory_of(twin)), str(left)], check=True)
    assert remove_stale(left.parent, server_user()) and not left.exists()


def test_an_error_while_it_is_built_ends_its_server(shop: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[EmbeddedServer] = []
    start = EmbeddedServer._wait_until_ready

    def remember(self: EmbeddedServer) -> None:
        made.append(self)
        start(self)

    def interrupt(stage: str, done: int, total: int) -> None:
        if total:
            raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedServer, "_wait_until_ready", remember)
    with pytest.raises(KeyboardInterrupt):
        Twin(shop, progress=interrupt)
    assert not made[0].directory.exists()


def test_variables_of_libpq_lead_nowhere_else(shop: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    # 192.0.2.1 is kept for documentation (RFC 5737): no server is there.
    for name, value in (("PGHOSTADDR", "192.0.2.1"), ("PGPORT", "1"), ("PGOPTIONS", "-c no_such=1"), ("PGUSER", "x")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "standby")
    with Twin(shop) as twin, twin.connect() as connection:
        assert connection.execute("SELECT count(*) > 0 FROM pg_catalog.pg_tables").fetchone() == (True,)
