"""Logs of the three forms to the same records, however they are cut, packed and given."""

import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard
from msgspec.structs import replace

from pgadvisor.errors import UsageError
from pgadvisor.logs import pairing, part, stretches
from pgadvisor.logs.executed import sender_of
from pgadvisor.logs.reading import read_logs
from pgadvisor.logs.tagging import Tagging
from pgadvisor.logs.tally import Options
from pgadvisor.model.log import LoggedStatement, Logs
from pgadvisor.sql.tags import read_tags
from tests.logs.make_logs import FORMS, Entry, jsonlog, plan, run, stderr

SECRET = "ann@secret.example"
ORDERS = "SELECT * FROM orders WHERE email = 'ann@secret.example'"
TRACE = "traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{}-01'"


def everything() -> list[Entry]:
    """Each kind of record."""
    tag = "/*route='orders'," + TRACE + "*/"
    return [
        run(ORDERS, 2.0),
        run(f"SELECT * FROM orders WHERE email = 'bob''s; DROP' {tag.format(1)}", 4.0, second=1),
        plan("SELECT 1 FROM t WHERE a = 7", 3.0, second=2),
        run("SELECT 1 FROM t WHERE a = 7", 3.5, second=2),
        Entry("duration: 0.100 ms  parse <unnamed>: SELECT $1", second=3),
        Entry("duration: 0.200 ms  bind <unnamed>: SELECT $1", second=3, detail=f"parameters: $1 = '{SECRET}'"),
        run("SELECT $1", 0.3, step="execute <unnamed>", second=3, detail=f"parameters: $1 = '{SECRET}'"),
        plan("SELECT $1", 0.2, second=4),
        plan("SELECT inner_ FROM f WHERE a = 1", 0.5, second=5, context="SQL function \"f\" statement 1"),
        run("SELECT f(5)", 0.9, second=5),
        Entry("statement: UPDATE t SET a = 5\nWHERE b = 'x'", second=6),
        Entry("duration: 7.250 ms", second=6),
        Entry("statement: DELETE FROM t", second=7),
        Entry('duplicate key value violates unique constraint "customers_email_key"', "ERROR", second=8,
              detail=f"Key (email)=({SECRET}) already exists.", statement=f"INSERT INTO customers VALUES ('{SECRET}')"),
        Entry(f'invalid input syntax for type integer: "{SECRET}"', "ERROR", second=8, statement=ORDERS),
        Entry(f"customer {SECRET} may not", "ERROR", second=8, context="PL/pgSQL function f(integer) line 3 at RAISE"),
        Entry("canceling statement due to statement timeout", "ERROR", second=9, statement=ORDERS),
        Entry("deadlock detected", "ERROR", second=9, detail="Process 7 waits for ...", statement=ORDERS),
        Entry('temporary file: path "base/pgsql_tmp/pgsql_tmp7.0", size 4096', second=10, statement=ORDERS),
        Entry("process 77 still waiting for ShareLock on transaction 5 after 1000.100 ms", second=11, statement=ORDERS),
        Entry("process 77 acquired ShareLock on transaction 5 after 1500.100 ms", second=11, statement=ORDERS),
        Entry('automatic vacuum of table "shop.public.orders": index scans: 0\nsystem usage: CPU: user: 0.00 s, '
              "system: 0.00 s, elapsed: 0.25 s", second=12),
        Entry("checkpoint complete: wrote 3 buffers; write=0.1 s, sync=0.0 s, total=0.269 s; sync files=1", second=13),
        Entry("connection authorized: user=joe database=shop", second=14),
        run("SELECT other", 9.0, second=15, database="elsewhere"),
    ]  # fmt: skip


def written(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def named(logs: Logs, text: str) -> LoggedStatement:
    """The statement of that text; else the first that begins so."""
    exact = [each for each in logs.statements if each.text == text]
    return exact[0] if exact else next(each for each in logs.statements if each.text.startswith(text))


def alike(logs: Logs) -> bytes:
    """Without what differs between forms: names of files, their bytes and lines."""
    events = tuple(replace(each, example_line=None, file=None) for each in logs.events)
    return msgspec.json.encode(replace(logs, files=(), events=events, endpoints=()))


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_record_is_told(tmp_path: Path, form: str) -> None:
    logs = read_logs([written(tmp_path, "server.log", FORMS[form](everything()))])
    assert (logs.files[0].form, logs.records, logs.not_read) == (form, 25, ())
    orders = named(logs, "SELECT * FROM orders")
    assert (orders.runs, orders.timed, orders.errors, orders.cancelled) == (2, 2, 2, 1)
    assert orders.duration_ms is not None
    assert (orders.duration_ms.total, orders.duration_ms.least, orders.duration_ms.most) == (6.0, 2.0, 4.0)
    assert (orders.temp_files, orders.temp_bytes, orders.lock_waits, orders.lock_wait_ms) == (1, 4096, 1, 1500.1)
    assert orders.text == "SELECT * FROM orders WHERE email = $1"
    assert named(logs, "SELECT $1 FROM t").runs == 1  # a plan and its duration are one run, whichever comes first
    assert [(each.runs, len(each.plans)) for each in (named(logs, "SELECT $1"), named(logs, "SELECT $1 FROM"))] == [
        (1, 1)
    ] * 2
    inner = named(logs, "SELECT inner_")
    assert (inner.runs, inner.nested) == (1, 1)
    update = named(logs, "UPDATE t")
    assert update.duration_ms is not None and update.duration_ms.total == 7.25
    assert (named(logs, "DELETE").runs, named(logs, "DELETE").timed) == (1, 0)
    events = {(each.kind, each.what): (each.count, each.total_ms, each.total_bytes) for each in logs.events}
    assert events == {
        ("autovacuum", "vacuum public.orders"): (1, 250.0, None),
        ("cancelled", "canceling statement due to statement timeout"): (1, None, None),
        ("checkpoint", "checkpoint"): (1, 269.0, None),
        ("connection", "connection authorized"): (1, None, None),
        ("deadlock", "deadlock detected"): (1, None, None),
        ("error", 'duplicate key value violates unique constraint "…"'): (1, None, None),
        ("error", 'invalid input syntax for type integer: "…"'): (1, None, None),
        ("error", "raised by a function"): (1, None, None),
        ("lock wait", "ShareLock on transaction"): (1, 1500.1, None),
        ("temporary file", "temporary file"): (1, None, 4096),
    }
    assert logs.least_duration_ms == 0.3 and logs.databases == ("elsewhere", "shop")


def test_the_three_forms_tell_the_same(tmp_path: Path) -> None:
    told = {alike(read_logs([written(tmp_path, form, write(everything()))])) for form, write in FORMS.items()}
    assert len(told) == 1


@pytest.mark.parametrize("form", FORMS)
def test_no_literal_of_a_users_data_is_told_unless_asked(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, "server.log", FORMS[form](everything()))
    told = msgspec.json.encode(read_logs([file])).decode()
    assert SECRET not in told and "bob" not in told
    broken = Entry('syntax error at or near "Brien"', "ERROR", statement="SELECT * FROM t WHERE name = 'O'Brien'")
    refused = read_logs([written(tmp_path, "broken.log", FORMS[form]([broken]))])
    assert "Brien" not in str(refused) and refused.statements[0].errors == 1
    kept = read_logs([file], options=Options(keep_values=True))
    assert named(kept, "SELECT $1").values == ((SECRET,),)
    assert SECRET in named(kept, "SELECT $1 FROM").plans[0].explain


FUNCTIONS = (
    'PL/Perl function "f"', 'Traceback (most recent call last):\n  PL/Python function "f", line 3, in <module>',
    "PL/pgSQL function f() line 3 at ASSERT", "f() LINE 3:   throw name;", "SQL statement",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_functions_say_in_their_own_words_is_not_told(tmp_path: Path, form: str) -> None:
    entries = [
        Entry("customer Ann may not", "ERROR", context=each) for each in FUNCTIONS[: -1 if form == "stderr" else 5]
    ]
    data = FORMS[form](entries)
    for code in (b",00000,", b'"state_code":"00000"'):  # log_error_verbosity = terse leaves out the context
        data = data.replace(code, code.replace(b"00000", b"P0001"))
    (event,) = read_logs([written(tmp_path, "server.log", data)]).events
    assert (event.what, event.count) == ("raised by a function", len(entries))


def test_kinds_of_statements_and_events_are_bounded_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "MOST_GROUPS", 20)
    monkeypatch.setattr(part, "MOST_EVENTS", 9)
    words = ["".join(chr(97 + int(digit)) for digit in str(at)) for at in range(150)]
    entries = [each for word in words for each in (run(f"SELECT {word}"), Entry(f"{word} failed", "ERROR"))]
    file = written(tmp_path, "server.log", stderr(entries))
    logs = read_logs([file], processes=1)
    assert (len(logs.statements), len(logs.events), sum(each.count for each in logs.events)) == (20, 10, 150)
    assert [each.count for each in logs.not_read] == [130]
    assert read_logs([file], processes=1, stretch_bytes=2_000) == logs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_any_split_gives_the_same_bytes(tmp_path: Path, form: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed:  # so that what waits for its other half may wait in vain
        monkeypatch.setattr(pairing, "REACH", 4_000)
        monkeypatch.setattr(stretches, "WARM_UP", 8_000)
    chance = random.Random(seed)
    base = everything()
    entries = [chance.choice(base)._replace(second=at / 50, process=chance.randint(70, 73)) for at in range(600)]
    data = FORMS[form](entries)
    at = chance.randrange(len(data))
    file = written(tmp_path, "server.log", data[:at] + b"half a \xff record\n" + data[at:])
    whole = msgspec.json.encode(read_logs([file], processes=1))
    for size in (chance.randint(1_000, 5_000), chance.randint(20_000, 50_000)):
        assert msgspec.json.encode(read_logs([file], processes=1, stretch_bytes=size)) == whole


def test_processes_and_a_cluster_give_the_same_bytes(tmp_path: Path) -> None:
    file = written(tmp_path, "server.log", stderr(everything() * 40))
    whole = msgspec.json.encode(read_logs([file], processes=1))
    assert msgspec.json.encode(read_logs([file], processes=2, stretch_bytes=40_000)) == whole
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        on_cluster = read_logs([file], executor=client.get_executor(), stretch_bytes=40_000)
    assert msgspec.json.encode(on_cluster) == whole


PACKED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}


def test_packed_and_rotated_files_are_read_in_the_order_of_their_time(tmp_path: Path) -> None:
    days = [[run(ORDERS, at + 1.0, second=3600 * at)] for at in range(3)]
    written(tmp_path, "server.log", stderr(days[2]))
    written(tmp_path, "server.log.1", stderr(days[1]))
    written(tmp_path, "server.log.2.gz", PACKED["gz"](stderr(days[0])))
    logs = read_logs([str(tmp_path / "server.log*")])
    assert [file.name for file in logs.files] == ["server.log.2.gz", "server.log.1", "server.log"]
    assert logs.statements[0].runs == 3
    packed = read_logs([written(tmp_path, "x.zst", PACKED["zst"](stderr(days[0])))])
    assert packed.files[0].size_bytes == len(stderr(days[0]))
    torn = read_logs([written(tmp_path, "y.gz", gzip.compress(stderr(everything() * 99))[:-200])])
    assert [each.reason for each in torn.not_read if "packed" in each.reason]


def test_one_log_in_two_forms_is_read_once(tmp_path: Path) -> None:
    for form, ending in (("stderr", "log"), ("csv", "csv"), ("json", "json")):
        written(tmp_path, f"server.{ending}", FORMS[form](everything()))
    logs = read_logs([str(tmp_path / "server.*")])
    assert [file.name for file in logs.files] == ["server.json"]
    assert sorted(each.file for each in logs.not_read) == ["server.csv", "server.log"]


@pytest.mark.parametrize("ending", [".1", ".gz", "-20260131.gz", ".2.zst"])
def test_one_log_under_several_names_is_read_once(tmp_path: Path, ending: str) -> None:
    """Rotated, packed, beside what was packed of it, and as a link; files that only look so are all read."""
    pack = PACKED.get(ending.rpartition(".")[2], bytes)
    for form, name in (("stderr", "server.log"), ("csv", "server.csv")):
        written(tmp_path, name + ending, pack(FORMS[form]([run(ORDERS)])))
    (tmp_path / "current").symlink_to(tmp_path / f"server.log{ending}")
    logs = read_logs([str(tmp_path / "*"), f"{tmp_path}/../{tmp_path.name}/server.csv{ending}"])
    assert ([file.form for file in logs.files], logs.statements[0].runs) == (["csv"], 1)
    plain = written(tmp_path, "other.log", stderr([run(ORDERS)]))
    written(tmp_path, "other.log.gz", gzip.compress(Path(plain).read_bytes()))
    logs = read_logs([str(tmp_path / "other*")])
    assert ([file.name for file in logs.files], [each.reason for each in logs.not_read]) == (
        ["other.log"], ["the same log as other.log"],
    )  # fmt: skip
    older, newer = (written(tmp_path, f"pg.{at}", FORMS[form]([run(ORDERS)])) for at, form in enumerate(FORMS) if at)
    assert read_logs([older, newer]).statements[0].runs == 2


def test_only_the_audited_database_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "server.json", jsonlog(everything()))
    logs = read_logs([file], options=Options(database="shop"))
    assert logs.databases == ("shop",)
    assert not [each for each in logs.statements if each.text == "SELECT other"]
    elsewhere = [each._replace(database="elsewhere") for each in everything()]
    vacuum = Entry('automatic analyze of table "elsewhere.public.t" system usage: CPU', database="", application="")
    for form in FORMS.values():
        file = written(tmp_path, "server.log", form([run(ORDERS), *elsewhere, vacuum]))
        logs = read_logs([file], options=Options(database="shop"))
        assert (len(logs.statements), logs.events) == (1, ()), "neither its errors nor its waits"


def test_plans_without_durations_are_runs(tmp_path: Path) -> None:
    entries = [plan("SELECT 1", at + 1.0, second=at) for at in range(5)]
    logs = read_logs([written(tmp_path, "server.log", stderr(entries))])
    assert (logs.statements[0].runs, logs.statements[0].timed) == (5, 5)
    slow = [*entries, run("SELECT 1", 4.5, second=3), plan("SELECT 1", 9.0, second=9)]
    logs = read_logs([written(tmp_path, "server.log", stderr(slow))])
    # Shorter than the shortest duration logged: runs of their own. Longer: their durations stand elsewhere.
    assert logs.statements[0].runs == 1 + 4


@pytest.mark.parametrize("form", FORMS)
def test_a_wait_for_a_lock_is_the_requests_whose_statement_waited(tmp_path: Path, form: str) -> None:
    tag = "/*route='/stock',http_method='PUT'*/"
    waited = "process 77 {} ShareLock on transaction 5 after {} ms"
    update = f"UPDATE stock SET pieces = 1 WHERE id = 5 {tag}"
    entries = [
        run("BEGIN", 0.1),
        run(f"SELECT pieces FROM stock WHERE id = 5 {tag}", 1.0, second=0.1),
        run("SELECT 1 /*route='/other'*/", 1.0, second=0.1, process=78),
        Entry(waited.format("still waiting for", "1000.100"), second=1.2, statement=update),
        Entry(waited.format("acquired", "1500.100"), second=1.7, statement=update),
        run(update, 1501.0, second=1.7),
        run("COMMIT", 0.5, second=1.8),
    ]
    logs = read_logs([written(tmp_path, "server.log", FORMS[form](entries))])
    told = {each.name: (each.requests, each.lock_wait_ms, each.told_by) for each in logs.endpoints}
    assert told == {"PUT /stock": (1, 1500.1, "tags"), "/other": (1, 0.0, "tags")}
    assert named(logs, "UPDATE stock").lock_wait_ms == 1500.1


IDS = {
    "traceparent": "/*route='/a',traceparent='00-{0:032x}-{0:016x}-01'*/",
    "request_id": "/*request_id='{0:032x}',route='/a'*/",
    "of Rails": "/*controller:orders,request_id:{0:08x}-4bf9-3577,action:show*/",
    "both": "/*action='show',controller='orders',traceparent='00-{0:032x}-{0:016x}-01',request_id='{1}'*/",
    "no W3C trace": "/*route='/a',traceparent='{0}'*/",
    "x-request-id": "/*route='/a',x-request-id='{0}%20a'*/",
}


@pytest.mark.parametrize("tag", IDS.values(), ids=IDS)
def test_tags_are_read_as_if_each_comment_came_alone(tag: str) -> None:
    tagging = Tagging()
    for number in (1, 2, 3, 2, 77):
        comment = tag.format(number, number % 2)
        text, tagged = tagging.read(f"SELECT 1 {comment}".encode())
        assert (text, tagged.sender) == (b"SELECT 1", sender_of(read_tags(comment)[0]))
        assert tagged.sender.endpoint in ("/a", "orders#show") and "1" not in str(tagged.lasting)


def test_what_cannot_be_read_says_the_next_step(tmp_path: Path) -> None:
    for name, data, words in (
        ("a.log", b"GET / HTTP/1.1 200\n" * 9, "--log-line-prefix"),
        ("dir", None, "is a directory"),
    ):
        if data is None:
            (tmp_path / name).mkdir()
        else:
            written(tmp_path, name, data)
        with pytest.raises(UsageError, match=words):
            read_logs([str(tmp_path / name)])
    with pytest.raises(UsageError, match="there is no log file"):
        read_logs([str(tmp_path / "*.none")])
    assert read_logs([written(tmp_path, "empty", b"")]).records == 0
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe it into --log -"):
        read_logs([str(tmp_path / "pipe")])


def test_stdin(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, stderr(everything()))
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        logs = read_logs(["-"])
    finally:
        os.dup2(before, 0)
        os.close(reading)
        os.close(before)
    assert (logs.files[0].name, logs.records) == ("stdin", 25)
