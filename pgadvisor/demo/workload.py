"""The demo's workload: what the shop's application sends, mixed as in a day of business and run in a few seconds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime
from random import Random
from threading import Event

import psycopg
from psycopg.types.numeric import Int8Dumper

from pgadvisor.demo.clean import CLEAN
from pgadvisor.demo.faulty import FAULTY
from pgadvisor.demo.server import Server
from pgadvisor.demo.shop import DATABASE, OWNER, reset_counters, tidy
from pgadvisor.demo.statement import Draw, ShopStatement
from pgadvisor.model.progress import Progress, no_progress

STATEMENTS: tuple[ShopStatement, ...] = (*CLEAN, *FAULTY)
"""All that the application sends."""
STAGE = "Running its workload"

_LANES = 3
"""Connections of the application: more would only wait for the two cores that are promised."""
_SEED = 42
_TICK_S = 0.1

Call = tuple[str, tuple[object, ...]]
Connection = psycopg.Connection[tuple[object, ...]]


def run_workload(server: Server, made_at: datetime, progress: Progress) -> None:
    """Sends every statement as often as it says, over several connections, with bound parameters.

    The counters are set back when the application is warm: each connection has prepared each statement by then, as in a
    service that has been up for days when someone begins to measure.
    """
    draw = Draw(Random(_SEED), made_at)
    warming = [_warming(draw) for _ in range(_LANES)]
    calls = _calls(draw)
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(server.dsn(DATABASE, OWNER))) for _ in range(_LANES)]
        _send_all(connections, warming, no_progress)
        reset_counters(server)
        _send_all(connections, [calls[lane::_LANES] for lane in range(_LANES)], progress)
    tidy(server)


def _warming(draw: Draw) -> list[Call]:
    """One call of each statement."""
    return [(statement.text, statement.values(draw)) for statement in STATEMENTS]


def _calls(draw: Draw) -> list[Call]:
    """Every call with its values, cheap and expensive ones mixed; the same each time but for the day."""
    order = [statement for statement in STATEMENTS for _ in range(statement.calls)]
    draw.random.shuffle(order)
    return [(statement.text, statement.values(draw)) for statement in order]


def _connect(dsn: str) -> Connection:
    connection = psycopg.connect(dsn, autocommit=True, application_name="shop", prepare_threshold=0)
    # Else psycopg sends a small number as smallint, and pg_stat_statements keeps a statement for each type.
    connection.adapters.register_dumper(int, Int8Dumper)
    return connection


def _send_all(connections: Sequence[Connection], lanes: Sequence[Sequence[Call]], progress: Progress) -> None:
    """Sends the calls of each lane over its connection, all lanes at the same time."""
    total, done, stop = sum(map(len, lanes)), [0] * len(lanes), Event()
    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            work = [pool.submit(_send, each, calls, done, at, stop)
                    for at, (each, calls) in enumerate(zip(connections, lanes, strict=True))]  # fmt: skip
            while wait(work, _TICK_S).not_done:
                progress(STAGE, sum(done), total)
            for lane in work:
                lane.result()
        finally:
            stop.set()
    progress(STAGE, total, total)


def _send(connection: Connection, calls: Sequence[Call], done: list[int], lane: int, stop: Event) -> None:
    cursor = psycopg.RawCursor(connection)
    for text, values in calls:
        if stop.is_set():
            return
        cursor.execute(text.encode(), values)
        done[lane] += 1
