"""Short logs for tests: the same records as the server writes them in each of its three forms."""

import io
import json
from collections.abc import Iterable
from typing import NamedTuple

PREFIX = "%m [%p] %q%u@%d/%a "


class Entry(NamedTuple):
    """One record of a log."""

    message: str
    severity: str = "LOG"
    second: float = 0.0
    process: int = 77
    detail: str = ""
    context: str = ""
    statement: str = ""
    database: str = "shop"
    application: str = "web"

    @property
    def time(self) -> str:
        """As the server writes it."""
        whole = int(self.second)
        clock = f"{12 + whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        return f"2026-01-31 {clock}.{round(self.second % 1 * 1000) % 1000:03d} UTC"


def run(text: str, ms: float = 1.5, *, step: str = "statement", **others: object) -> Entry:
    """A statement that ran."""
    return Entry(f"duration: {ms:.3f} ms  {step}: {text}", **others)  # type: ignore[arg-type]


def plan(text: str, ms: float = 1.0, *, rows: int = 3, **others: object) -> Entry:
    """What auto_explain logs of a statement."""
    node = {"Node Type": "Seq Scan", "Relation Name": "orders", "Filter": "(email = 'ann@secret.example'::text)",
            "Actual Rows": rows, "Actual Loops": 1}  # fmt: skip
    explained = json.dumps({"Query Text": text, "Plan": node}, indent=2)
    return Entry(f"duration: {ms:.3f} ms  plan:\n{explained}", **others)  # type: ignore[arg-type]


def stderr(entries: Iterable[Entry]) -> bytes:
    """In the form stderr, with PREFIX."""
    lines = []
    for each in entries:
        head = f"{each.time} [{each.process}] joe@{each.database}/{each.application} "
        parts = {each.severity: each.message, "DETAIL": each.detail, "CONTEXT": each.context,
                 "STATEMENT": each.statement}  # fmt: skip
        lines += [f"{head}{name}:  {text}".replace("\n", "\n\t") for name, text in parts.items() if text]
    return "".join(f"{line}\n" for line in lines).encode()


def csvlog(entries: Iterable[Entry]) -> bytes:
    """In the form csvlog, as PostgreSQL 14 and later."""
    text = io.StringIO()
    for at, each in enumerate(entries, 1):
        session = f"697de000.{each.process:x}"
        names = [each.database, each.message, each.detail, each.context, each.statement, each.application]
        database, message, detail, context, statement, application = (
            '"' + name.replace('"', '""') + '"' if name else "" for name in names
        )
        text.write(
            f'{each.time},"joe",{database},{each.process},"[local]",{session},{at},"SELECT",2026-01-31 12:00:00 UTC,'
            f"3/{each.process},0,{each.severity},00000,{message},{detail},,,,{context},{statement},,,{application},"
            '"client backend",,-42\n'
        )
    return text.getvalue().encode()


def jsonlog(entries: Iterable[Entry]) -> bytes:
    """In the form jsonlog."""
    lines = []
    for at, each in enumerate(entries, 1):
        line = {
            "timestamp": each.time, "user": "joe", "dbname": each.database, "pid": each.process,
            "session_id": f"697de000.{each.process:x}", "line_num": at, "vxid": f"3/{each.process}", "txid": 0,
            "error_severity": each.severity, "state_code": "00000", "message": each.message, "detail": each.detail,
            "context": each.context, "statement": each.statement, "application_name": each.application,
            "backend_type": "client backend", "query_id": -42,
        }  # fmt: skip
        lines.append(json.dumps({name: value for name, value in line.items() if value != ""}, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines).encode()


FORMS = {"stderr": stderr, "csv": csvlog, "json": jsonlog}
