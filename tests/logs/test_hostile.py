"""Logs that are cut, shuffled, binary or endless: nothing breaks, memory is bounded, what is skipped is counted."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from pgadvisor.logs.reading import read_logs
from tests.logs.make_logs import FORMS, run
from tests.logs.test_reading import everything, written


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(4))
def test_damaged_logs_are_read_as_far_as_they_go(form: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    data = bytearray(FORMS[form](everything() * 8))
    for _ in range(60):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                del data[at : at + chance.randrange(300)]
            case 1:
                data[at:at] = chance.randbytes(chance.randrange(300))
            case 2:
                data[at:at] = data[(other := chance.randrange(len(data))) : other + 500]
            case _:
                data[at : at + 20] = b"\xff\xfe\0\0'\"\\\n{" * 2
    logs = read_logs([written(tmp_path, "server.log", bytes(data))])
    assert logs.records > 50 and logs.not_read
    assert all(each.count > 0 and each.line for each in logs.not_read)


def test_interleaved_records_keep_to_themselves(tmp_path: Path) -> None:
    head = "2026-01-31 12:00:00.000 UTC [{}] joe@shop "
    lines = [f"{head.format(7)}ERROR:  no", f"{head.format(8)}LOG:  duration: 2.000 ms  statement: SELECT 2",
             f"{head.format(7)}STATEMENT:  SELECT 1"]  # fmt: skip
    (tmp_path / "server.log").write_text("".join(f"{line}\n" for line in lines))
    logs = read_logs([str(tmp_path / "server.log")])
    assert [(each.text, each.runs, each.errors) for each in logs.statements] == [("SELECT $1", 1, 0)]


def test_wrong_encodings_are_read(tmp_path: Path) -> None:
    data = FORMS["stderr"]([run("SELECT 'ä' AS größe", 2.0)]).decode().encode("latin-1")
    logs = read_logs([written(tmp_path, "server.log", data)])
    assert logs.statements[0].text == "SELECT $1 AS größe"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_an_endless_line_is_passed_over(form: str, tmp_path: Path) -> None:
    before, after = (FORMS[form]([run(f"SELECT {name}")] * 3) for name in ("a", "b"))
    long = FORMS[form]([run("SELECT '" + "x" * 30_000_000 + "'")]) + b"\xff\0\1" * 10_000_000 + b"\n"
    (tmp_path / "server.log").write_bytes(before + long + after)
    program = (
        "import sys; from pathlib import Path; from pgadvisor.logs.reading import read_logs;"
        "l = read_logs([sys.argv[1]]);"
        "print(l.records, [(n.reason, n.count, n.line) for n in l.not_read], sorted(s.runs for s in l.statements),"
        "Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "server.log")], capture_output=True, text=True, check=True
    ).stdout
    words, memory = told.rsplit(" ", 1)
    assert words == "6 [('record over 8 MB', 1, 4)] [3, 3]"
    assert int(memory) < 120_000, "kB"
