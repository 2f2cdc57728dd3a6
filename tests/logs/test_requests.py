"""Requests: what is one request, what it comes to, and that a log cut anywhere tells the same."""

import pickle
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.logs.executed import Executed, endpoint_of_application, sender_of
from pgadvisor.logs.requests import Requests
from pgadvisor.model.log import LoggedEndpoint
from pgadvisor.sql.tags import Tags

NOON = 1_700_000_000.0
ORDERS: Tags = (("route", "/orders"), ("http_method", "GET"))
CART: Tags = (("controller", "cart"), ("action", "show"))


def traced(number: int, tags: Tags = ORDERS) -> Tags:
    return (("traceparent", f"00-{number:032x}-00000000000000a1-01"), *tags)


def executed(key: str, tags: Tags, *, at: float, ms: float | None, session: str = "s1",
             application: str | None = None, **more: object) -> Executed:  # fmt: skip
    """As reading makes it."""
    request, endpoint, line = sender_of(tags)
    took = None if ms is None else round(ms * 1000)
    made = Executed(session=session, end_us=round(at * 1e6), took_us=took, key=key, request=request, line=line,
                    endpoint=endpoint or endpoint_of_application(application), application=application)  # fmt: skip
    return made._replace(**more)


class Log:
    """Writes statements one after another; each starts `gap` seconds after the one before ended."""

    def __init__(self) -> None:
        self.now = NOON
        self.runs: list[Executed] = []

    def run(self, key: str, tags: Tags = (), *, gap: float = 0.001, ms: float | None = 1.0, kind: str = "SELECT",
            session: str = "s1", **more: object) -> None:  # fmt: skip
        self.now += gap + (ms or 0.0) / 1000
        made = executed(key, tags, at=self.now, ms=ms, kind=kind, session=session, **more)
        self.runs.append(made._replace(place=len(self.runs) * 100))

    def begin(self, session: str = "s1") -> None:
        self.run("begin", kind="BEGIN", session=session)

    def commit(self, session: str = "s1") -> None:
        self.run("commit", kind="COMMIT", session=session)

    def endpoints(self) -> dict[str, LoggedEndpoint]:
        return {each.name: each for each in read(self.runs).endpoints()}


def read(runs: Sequence[Executed], *, at_start: bool = False) -> Requests:
    requests = Requests(at_start=at_start)
    requests.add(runs)
    return requests


def test_a_loop_in_a_transaction_is_told_with_its_parent_its_repeats_and_its_lines() -> None:
    log = Log()
    for _ in range(3):
        log.begin()
        log.run("orders", (*ORDERS, ("source_location", "app/orders.py:7")), ms=4.0, rows=5)
        for child in range(5):
            log.run("customer", (*ORDERS, ("source_location", "app/orders.py:12")), values=child % 4, gap=0.002)
        log.commit()
        log.run("ping", gap=0.001, session="pool")
    found = log.endpoints()
    assert list(found) == ["GET /orders"]
    orders = found["GET /orders"]
    assert (orders.requests, orders.queries.median, orders.told_by) == (3, 6.0, "tags")
    assert orders.database_ms.total == 3 * (4.0 + 5 + 1)  # COMMIT's time counts, COMMIT is no query
    assert round(orders.idle_in_transaction_ms) == 3 * (5 * 2 + 1 + 1)
    assert orders.rows == 15
    child = next(each for each in orders.statements if each.statement == "customer")
    assert (child.runs, child.requests, child.most_in_one, child.repeated_runs) == (15, 3, 5, 12)
    assert (child.duplicate_runs, child.parent, child.lines) == (3, "orders", ("app/orders.py:12",))
    assert orders.typical is not None
    assert [step.statement for step in orders.typical.steps] == ["orders", *["customer"] * 5, "commit"]
    assert round(orders.typical.steps[1].start_ms, 1) == 4.0 + 2
    assert orders.typical.steps[1].line == "app/orders.py:12"


def test_requests_of_one_endpoint_right_after_another_on_one_connection_stay_apart() -> None:
    log = Log()
    for _ in range(4):  # autocommit: the first query comes again
        log.run("user", ORDERS, values=1)
        log.run("orders", ORDERS, values=2)
    for number in range(3):  # with an id, even one query each
        log.run("user", traced(number), values=1)
    for _ in range(2):  # a pause ends one as well
        log.run("cart", CART, gap=1.5)
        log.run("item", CART)
    found = log.endpoints()
    assert found["GET /orders"].requests == 4 + 3
    assert found["cart#show"].requests == 2
    assert all(each.duplicate_runs == each.repeated_runs == 0 for one in found.values() for each in one.statements)


def test_statements_with_one_id_are_one_request_whatever_their_sessions() -> None:
    log = Log()
    for child in range(6):
        log.run("item", traced(7), session=f"s{child % 3}", values=child)
    log.run("item", traced(7), gap=60.0, session="s1")  # a minute later it is another one
    (found,) = read(log.runs).endpoints()
    assert (found.requests, found.queries.most, found.told_by) == (2, 6.0, "trace")


def test_statements_without_tags_are_a_request_only_in_a_transaction() -> None:
    log = Log()
    for _ in range(5):
        log.run("alone", application="shop-worker")
    log.begin()
    for _ in range(3):
        log.run("one", application="shop-worker")
        log.run("add", kind="INSERT", application="shop-worker")
    log.commit()
    log.run("called", application="GET /health")
    found = log.endpoints()
    assert {name: each.told_by for name, each in found.items()} == {
        "shop-worker": "transaction",
        "GET /health": "application_name",
    }
    worker = found["shop-worker"]
    assert (worker.requests, worker.queries.most) == (1, 6.0)
    assert {each.statement: each.after_write_runs for each in worker.statements} == {"one": 2, "add": 0}


def test_a_transaction_is_known_by_its_virtual_id_when_begin_was_not_logged() -> None:
    log = Log()
    for number in range(3):
        for _ in range(4):
            log.run("one", ORDERS, transaction=b"3/%d" % (number + 5), gap=2.0)
    found = log.endpoints()["GET /orders"]
    assert (found.requests, found.queries.most) == (3, 4.0)
    assert round(found.idle_in_transaction_ms) == 3 * 3 * 2000


def test_what_waited_for_a_lock_and_what_was_read_again_after_a_write() -> None:
    log = Log()
    log.begin()
    log.run("read", ORDERS, values=1)
    log.run("write", ORDERS, kind="UPDATE")
    log.run("read", ORDERS, values=1)  # another answer may be there now: no duplicate
    requests = read(log.runs)
    requests.add_lock_wait("s1", log.runs[-1].end_us, 40_000)
    requests.add_lock_wait("s1", log.runs[-1].end_us, 2_000)
    log.run("write", ORDERS, kind="UPDATE")
    requests.add(log.runs[-1:])
    (found,) = requests.endpoints()
    assert found.lock_wait_ms == 42.0
    assert all(each.duplicate_runs == 0 for each in found.statements)


def test_a_request_with_very_many_statements_is_counted_whole_and_kept_in_part() -> None:
    log = Log()
    log.begin()
    for _ in range(2_500):
        log.run("one", ORDERS, ms=2.0)
    (found,) = read(log.runs).endpoints()
    assert (found.queries.most, found.database_ms.most) == (2_500.0, 5_000.0)
    assert found.statements[0].runs == found.statements[0].most_in_one == 2_500
    assert found.slow is not None
    assert (len(found.slow.steps), found.slow.statements) == (200, 2_500)


def test_sessions_that_are_done_are_forgotten() -> None:
    log = Log()
    for number in range(20_000):
        log.run("one", traced(number) if number % 2 else ORDERS, gap=0.05, session=f"s{number}")
    requests = read(log.runs, at_start=True)
    assert len(pickle.dumps(requests)) < 2_000_000
    (found,) = requests.endpoints()
    assert found.requests == 20_000


def test_what_is_open_is_bounded_when_ids_repeat_for_ever_or_time_jumps_back() -> None:
    log = Log()
    for number in range(30_000):  # one id for all of them, as a worker sends that never changes its trace
        log.run("one", traced(1), gap=0.0, session=f"s{number % 7}")
    same = read(log.runs, at_start=True)
    assert len(pickle.dumps(same)) < 1_000_000
    (found,) = same.endpoints()
    assert (found.requests, found.statements[0].runs, found.queries.most) == (1, 30_000, 30_000.0)
    back = Log()
    for number in range(30_000):
        back.now = NOON - 40.0 * number
        back.run("one", traced(number), session=f"s{number}")
    jumping = read(back.runs, at_start=True)
    assert len(pickle.dumps(jumping)) < 1_000_000
    assert jumping.endpoints()[0].requests == 30_000


def test_endpoints_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgadvisor.logs.requests.MOST_ENDPOINTS", 10)
    log = Log()
    for number in range(100):
        log.run("one", (("route", f"/orders/{number % 25}"),))
    first, second = read(log.runs[:40], at_start=True), read(log.runs[40:])
    first.merge(second)
    found = first.endpoints()
    assert (len(found), sum(each.requests for each in found) + first.left_out) == (10, 100)


def test_what_is_open_is_bounded_when_time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgadvisor.logs.requests.MOST_OPEN", 1_000)
    log = Log()
    for number in range(20_000):
        log.run("one", traced(number), gap=0.0, ms=0.0)
    still = read(log.runs, at_start=True)
    assert len(pickle.dumps(still)) < 1_000_000
    assert still.endpoints()[0].requests == 20_000


@pytest.mark.parametrize("parts", [3, 70])
def test_the_first_thousand_statements_of_a_request_are_the_same_however_it_is_cut(parts: int) -> None:
    log = Log()
    for number in range(parts * 40):
        log.run(f"q{number % 5}", traced(1), session=f"s{number % parts}", values=number % 3, gap=0.0)
    whole = read(log.runs, at_start=True).endpoints()
    for cut in (1, 77, len(log.runs) // 2):
        first, second = read(log.runs[:cut], at_start=True), read(log.runs[cut:])
        first.merge(second)
        assert first.endpoints() == whole
    assert (whole[0].requests, whole[0].queries.most) == (1, parts * 40)


KINDS = ("SELECT", "SELECT", "SELECT", "INSERT", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "SET", "DISCARD")
TAGS = ((), (), ORDERS, ORDERS, CART, traced(1), traced(2), traced(2, CART), (("request_id", "r1"),))
SOME = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from(TAGS),
    st.sampled_from(KINDS),
    st.sampled_from(("s1", "s2", "s3")),
    st.sampled_from((0.0, 0.001, 0.001, 0.2, 1.5, 9.0, 12.0, 31.0, 310.0)),
    st.sampled_from((None, 0.5, 3.0, 1_200.0, 15_000.0)),
    st.sampled_from((None, None, b"3/0", b"3/7", b"3/8")),
    st.sampled_from((None, 1, 2)),
    st.booleans(),
)


@pytest.fixture(scope="module")
def swept_often() -> Iterator[None]:
    """What is done is forgotten at once, and not after thousands of statements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pgadvisor.logs.requests.SWEEP_EVERY", 1)
        yield


@pytest.mark.usefixtures("swept_often")
@settings(max_examples=150, deadline=None)
@given(st.lists(SOME, min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=5), st.randoms())
def test_a_log_cut_anywhere_tells_the_same(drawn: list[tuple], cuts: list[int], random: object) -> None:
    log = Log()
    waits = {}
    for key, tags, kind, session, gap, ms, transaction, values, is_waiting in drawn:
        log.now += gap
        made = executed(key if kind == "SELECT" else kind.lower(), tags, at=log.now, ms=ms, kind=kind, session=session,
                        transaction=transaction, values=values, application="shop", place=len(log.runs))  # fmt: skip
        if is_waiting:
            waits[len(log.runs)] = (session, made.end_us, 5_000)
        log.runs.append(made)

    def part(start: int, end: int, *, at_start: bool = False) -> Requests:
        requests = Requests(at_start=at_start)
        for at in range(start, end):
            if at in waits:
                requests.add_lock_wait(*waits[at])
            requests.add(log.runs[at : at + 1])
        return pickle.loads(pickle.dumps(requests))

    def joined(one: Requests, other: Requests) -> Requests:
        one.merge(other)
        return one

    whole = part(0, len(log.runs), at_start=True).endpoints()
    ends = sorted({0, len(log.runs), *(cut for cut in cuts if cut < len(log.runs))})
    edges = list(pairwise(ends))
    assert reduce(joined, [part(*edge, at_start=edge[0] == 0) for edge in edges]).endpoints() == whole
    parts = [part(*edge) for edge in edges]
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)  # type: ignore[attr-defined]
        parts[at : at + 2] = [joined(parts[at], parts[at + 1])]
    assert parts[0].endpoints() == whole
