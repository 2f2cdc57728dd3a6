"""The rows of the write-heavy database: the same for the same scale, streamed by COPY, in the form of COPY's text."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
"""When the loaded data end and the calls begin."""
DAYS = 30
"""How far back the data go."""
QUEUES = ("mail", "export", "sync", "firmware")
COUNTERS = tuple(f"{what}.{result}" for what in ("api", "push", "poll", "login", "sync") for result in ("ok", "failed"))
ENTITIES = ("device", "account", "job", "site")
_SEED = 20_250_601
_BLOCK = 5_000


class Counts:
    """How many rows each table has; the whole is 200 MB at a scale of 1."""

    def __init__(self, scale: float = 1.0) -> None:
        def scaled(count: int) -> int:
            return max(int(count * scale), 20)

        self.devices, self.settings, self.readings = scaled(20_000), scaled(30_000), scaled(1_000_000)
        self.rollup_days, self.alerts = 5, scaled(40_000)
        self.jobs, self.attempts = scaled(80_000), scaled(110_000)
        self.scopes, self.accounts, self.entries = scaled(4_000), scaled(20_000), scaled(400_000)
        self.sessions, self.users, self.audit = scaled(80_000), scaled(15_000), scaled(250_000)


def load(connection: psycopg.Connection[Any], counts: Counts) -> None:
    """Makes the tables, their rows and their indexes in an empty database, on a connection in autocommit mode."""
    connection.execute((HERE / "schema.sql").read_bytes())
    for table, rows in _tables(counts).items():
        with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
            while block := "".join(islice(rows, _BLOCK)):
                copy.write(block)
    connection.execute((HERE / "indexes.sql").read_bytes())
    for table in _tables(counts):
        sequence = (
            connection.execute("SELECT pg_get_serial_sequence(%s, 'id')", (table,)) if table != "rollups" else None
        )
        if sequence is not None and (name := sequence.fetchone()) and name[0]:
            last = sql.SQL("SELECT setval({}, (SELECT max(id) FROM {}))")
            connection.execute(last.format(sql.Literal(name[0]), sql.Identifier(table)))
    connection.execute("VACUUM (FREEZE, ANALYZE)")


def token(number: int) -> str:
    """The token of a loaded session: 32 hexadecimal digits, in no order."""
    return f"{Random(number).getrandbits(128):032x}"


def reading_at(number: int, count: int) -> datetime:
    """When the loaded reading was taken: evenly over the days."""
    return NOW - timedelta(days=DAYS) * (1 - number / count)


def _tables(counts: Counts) -> dict[str, Iterator[str]]:
    return {
        "devices": _devices(counts, Random(_SEED)),
        "device_settings": _settings(counts, Random(_SEED + 1)),
        "readings": _readings(counts, Random(_SEED + 2)),
        "rollups": _rollups(counts, Random(_SEED + 3)),
        "alerts": _alerts(counts, Random(_SEED + 4)),
        "jobs": _jobs(counts, Random(_SEED + 5)),
        "job_attempts": _attempts(counts, Random(_SEED + 6)),
        "counters": _counters(counts, Random(_SEED + 7)),
        "accounts": _accounts(counts, Random(_SEED + 8)),
        "entries": _entries(counts, Random(_SEED + 9)),
        "sessions": _sessions(counts, Random(_SEED + 10)),
        "audit_log": _audit(counts, Random(_SEED + 11)),
    }


def _ago(random: Random, days: float) -> datetime:
    return NOW - timedelta(days=days * random.random())


def device_name(number: int) -> str:
    """What people look for: the first letters are those of few devices."""
    return f"{Random(number).getrandbits(32):08x}-probe"


def _devices(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.devices + 1):
        state, firmware = "active" if random.random() < 0.95 else "retired", f"4.{int(random.random() * 30)}"
        yield (
            f"{number}\t{number % 400 + 1}\tSN{number:09d}\t{device_name(number)}\t{state}\t{firmware}"
            f"\t{int(random.random() * 100)}\t{int(random.random() * 9999)}\t{_ago(random, 1)}\n"
        )


def _settings(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.settings + 1):
        device = int(random.random() * counts.devices) + 1
        yield f"{number}\t{device}\tinterval{number % 7}\t{int(random.random() * 900)}\t{_ago(random, 300)}\n"


def _readings(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.readings + 1):
        device, metric = int(random.random() * counts.devices) + 1, int(random.random() * 4)
        quality = 0 if random.random() < 0.97 else 1
        at = reading_at(number, counts.readings)
        yield f"{number}\t{device}\t{metric}\t{quality}\t{random.random() * 50:.3f}\t{at}\n"


def _rollups(counts: Counts, random: Random) -> Iterator[str]:
    for day in range(counts.rollup_days):
        at = NOW - timedelta(days=counts.rollup_days - 1 - day)
        for device in range(1, counts.devices + 1):
            yield f"{device}\t{at.date()}\t{int(random.random() * 300)}\t{random.random() * 9000:.2f}\t{at}\n"


def _alerts(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.alerts + 1):
        opened = NOW - timedelta(days=DAYS) * (1 - number / counts.alerts)
        is_open = number > counts.alerts * 0.98
        closed = "\\N" if is_open else str(opened + timedelta(minutes=40))
        yield (
            f"{number}\t{int(random.random() * counts.devices) + 1}\t{int(random.random() * 5)}"
            f"\t{'open' if is_open else 'closed'}\t{opened}\t{closed}\ttemperature above the limit of {number % 40}\n"
        )


def _jobs(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.jobs + 1):
        at = NOW - timedelta(days=7) * (1 - number / counts.jobs)
        status = "done" if number <= counts.jobs * 0.985 else random.choice(("queued", "queued", "queued", "running"))
        payload = json.dumps({"device": number % counts.devices, "try": number % 3, "note": "x" * (number % 40)})
        locked = "\\N" if status == "queued" else str(at)
        queue = random.choice(QUEUES)
        yield f"{number}\t{queue}\t{status}\t{int(random.random() * 5)}\t0\t{at}\t{locked}\t{at}\t{payload}\n"


def _attempts(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.attempts + 1):
        at = NOW - timedelta(days=7) * (1 - number / counts.attempts)
        job = max(int(number / counts.attempts * counts.jobs), 1)
        yield f"{number}\t{job}\tworker-{int(random.random() * 12)}\t{at}\t\\N\n"


def _counters(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(counts.scopes * len(COUNTERS)):
        scope, name = number // len(COUNTERS) + 1, COUNTERS[number % len(COUNTERS)]
        yield f"{number + 1}\t{scope}\t{name}\t{int(random.random() * 100_000)}\t{_ago(random, 3)}\n"


def _accounts(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.accounts + 1):
        balance = int(random.random() * 1_000_000) / 100
        yield f"{number}\tcustomer {number}\tEUR\t{balance:.2f}\t{number % 50}\t{_ago(random, 9)}\n"


def _entries(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.entries + 1):
        at = NOW - timedelta(days=DAYS) * (1 - number / counts.entries)
        account, kind = int(random.random() * counts.accounts) + 1, "debit" if number % 2 else "credit"
        amount, reference = int(random.random() * 90_000) / 100, f"R{random.getrandbits(52):013x}{number}"
        yield f"{number}\t{account}\t{(number + 1) // 2}\t{reference}\t{kind}\t{amount}\t{at}\n"


def _sessions(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.sessions + 1):
        created = NOW - timedelta(days=14) * (1 - number / counts.sessions)
        seen = created + (NOW - created) * random.random()
        user, is_revoked = int(random.random() * counts.users) + 1, "t" if random.random() < 0.02 else "f"
        ip = f"10.{number % 250}.{number % 199}.7"
        expires = created + timedelta(days=15)
        yield f"{number}\t{token(number)}\t{user}\t{ip}\t{is_revoked}\t{number % 90}\t{created}\t{seen}\t{expires}\n"


def _audit(counts: Counts, random: Random) -> Iterator[str]:
    for number in range(1, counts.audit + 1):
        at = NOW - timedelta(days=DAYS) * (1 - number / counts.audit)
        action, entity = random.choice(("create", "change", "read", "delete")), random.choice(ENTITIES)
        detail = json.dumps({"ip": f"10.0.{number % 250}.9", "field": f"f{number % 30}", "text": "y" * (number % 50)})
        yield (
            f"{number}\t{at}\t{int(random.random() * 900) + 1}\t{action}\t{entity}"
            f"\t{int(random.random() * counts.devices) + 1}\t{detail}\n"
        )
