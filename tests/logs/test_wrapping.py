"""Logs as collectors wrap them: the same records as the server's own."""

import json
from pathlib import Path

import pytest

from pgadvisor.logs.reading import read_logs

HEAD = "2026-01-31 12:00:00.123 UTC [77] joe@shop "
LINES = [
    f"{HEAD}LOG:  duration: 1.500 ms  statement: SELECT a",
    "\tFROM t WHERE b = 'x'",
    f'{HEAD}ERROR:  relation "no" does not exist at character 5',
    f"{HEAD}STATEMENT:  SELECT no",
]
RECORDS = [f"{LINES[0]}\n{LINES[1]}", *LINES[2:]]
BARE = ["LOG:  duration: 1.500 ms  statement: SELECT a", "\tFROM t WHERE b = 'x'",
        'ERROR:  relation "no" does not exist', "STATEMENT:  SELECT no"]  # fmt: skip
PIECES = ("5-1", "5-2", "6-1", "6-2")
ISO = "2026-01-31T12:00:00.123456789Z"


def objects(lines: list[str], **fixed: object) -> list[str]:
    """An object a line; the key with None holds the text."""
    key = next(name for name, value in fixed.items() if value is None)
    return [json.dumps({**fixed, key: line}) for line in lines]


WRAPPED = {
    "none": (None, LINES),
    "docker": ("docker", [json.dumps({"log": f"{each}\n", "stream": "stderr", "time": ISO}) for each in LINES]),
    "compose": ("docker", [f"db-1  | {each}" for each in LINES]),
    "kubernetes": ("kubernetes", [f"{ISO} stderr F {each}" for each in LINES]),
    "kubernetes in parts": (
        "kubernetes",
        [f"{ISO} stderr P {LINES[0][:70]}", *(f"{ISO} stderr F {each}" for each in (LINES[0][70:], *LINES[1:]))],
    ),
    "cloudwatch": ("cloudwatch", [f"{ISO} {each}" for each in LINES]),
    "cloudsql": ("cloudsql", objects(RECORDS, insertId="s", textPayload=None)),
    "cloudsql list": ("cloudsql", json.dumps([{"textPayload": each} for each in RECORDS], indent=2).split("\n")),
    "journal": ("systemd", [f"Jan 31 12:00:00 host postgres[77]: {each}" for each in LINES]),
    "journal objects": ("systemd", objects(LINES, _PID="77", MESSAGE=None)),
    "syslog": (
        "systemd",
        [f"Jan 31 12:00:00 host postgres[77]: [{at}] {each}".replace("\t", "#011")
         for at, each in zip(PIECES, BARE, strict=True)],
    ),
    "heroku": (
        "heroku",
        [f"{ISO} app[postgres.77]: [DATABASE] [{at}]  sql_error_code = 00000 {each}"
         for at, each in zip(PIECES, BARE, strict=True)],
    ),
    "azure": (
        "azure",
        [json.dumps({"LogicalServerName": "s", "properties": {"errorLevel": "LOG", "message": each}})
         for each in RECORDS],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_log_tells_what_the_servers_own_does(name: str, tmp_path: Path) -> None:
    wrapping, lines = WRAPPED[name]
    (tmp_path / "server.log").write_text("".join(f"{line}\n" for line in lines))
    logs = read_logs([str(tmp_path / "server.log")])
    assert (logs.files[0].wrapping, logs.not_read, logs.records) == (wrapping, (), 2)
    told = [(each.text, each.runs, each.errors) for each in logs.statements]
    assert told == [("SELECT a\nFROM t WHERE b = $1", 1, 0), ("SELECT no", 0, 1)]
    assert [(each.kind, each.what) for each in logs.events] == [("error", 'relation "…" does not exist')]


def test_azures_records_without_a_prefix(tmp_path: Path) -> None:
    lines = [
        json.dumps({"LogicalServerName": "s", "time": ISO, "properties": {"processId": 7, "errorLevel": "LOG",
                    "message": "duration: 1.500 ms  statement: SELECT 1"}})
    ]  # fmt: skip
    (tmp_path / "server.json").write_text("".join(f"{line}\n" for line in lines * 3))
    logs = read_logs([str(tmp_path / "server.json")])
    assert (logs.statements[0].runs, logs.files[0].first_at is not None) == (3, True)
