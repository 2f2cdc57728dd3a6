"""log_line_prefix: found in the lines, and read."""

import re

import pytest

from pgadvisor.logs.prefix import Prefix, find_prefix
from pgadvisor.logs.stderr import Stderr

LINES = {
    "%t:%r:%u@%d:[%p]:": ("2026-01-31 12:00:00 UTC:10.0.0.1(5432):joe@shop:[44]:", ("44/joe/shop", None, "shop")),
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%r ": (
        "2026-01-31 12:00:00.001 CET [44]: [7-1] user=joe,db=shop,app=my app,client=1.2.3.4 ",
        ("44/joe/shop", "my app", "shop"),
    ),
    "%m [%p] %q%u@%d/%a ": ("2026-01-31 12:00:00.001 +02 [44] joe@shop/psql - x ", ("44/joe/shop", "psql - x", "shop")),
    "%t-%c-": ("2026-01-31 12:00:00 UTC-65a0b1c2.1a3f-", ("65a0b1c2.1a3f", None, None)),
    "%n %c %v db=%d ": ("1769860800.123 65a0b1c2.1a3f 3/14 db=shop ", ("65a0b1c2.1a3f", None, "shop")),
    "%p %m %u@%d ": ("44 2026-01-31 12:00:00.001 UTC joe@shop ", ("44/joe/shop", None, "shop")),
    "<%m|%e|%a|%d> ": ("<2026-01-31 12:00:00.001 UTC|00000|web|shop> ", ("//shop", "web", "shop")),
}


@pytest.mark.parametrize("spelled", LINES)
def test_a_prefix_names_its_session(spelled: str) -> None:
    line, (name, application, database) = LINES[spelled]
    form = Stderr(Prefix(spelled))
    block = f"{line}LOG:  duration: 1.500 ms  statement: SELECT 1\n\tFROM t\n{line}DETAIL:  more\nnoise\n".encode()
    entry, junk = form.entries(block)
    assert entry[0] + junk[0] == block and (junk[0], junk[5]) == (b"noise\n", b"")
    assert entry[1] in (b"2026-01-31 12:00:00", b"1769860800")
    assert entry[5:] == (b"LOG", b"1.500", b"statement", b"SELECT 1\nFROM t", b"", b"more")
    session = form.session(entry[3])
    assert (session.name.strip("/"), session.application, session.database) == (name.strip("/"), application, database)


@pytest.mark.parametrize("spelled", [each for each in LINES if "<" not in each])
def test_the_lines_tell_the_prefix(spelled: str) -> None:
    line, (name, _, database) = LINES[spelled]
    sample = f"{line}LOG:  duration: 1.500 ms  statement: SELECT 1\n{line}ERROR:  no\n".encode()
    found = find_prefix(sample)
    assert found is not None
    session = Stderr(found).session(Stderr(found).entries(sample)[0][3])
    assert (session.name, session.database) == (name, database)


def test_processes_of_the_server_write_less() -> None:
    own = "2026-01-31 12:00:00.001 UTC [9]: "
    sample = f"{own}LOG:  ready\n{own}user=joe,db=shop LOG:  hello\n".encode() * 3
    found = find_prefix(sample)
    assert found is not None and found.spelled == "%m [%p]: %quser=%u,db=%d "
    assert all(entry[5] for entry in Stderr(found).entries(sample))


def test_what_is_no_log_has_no_prefix() -> None:
    assert find_prefix(b"GET / HTTP/1.1 200\n" * 9) is None


def test_an_application_that_all_records_name_is_no_part_of_the_prefix() -> None:
    line = b"2026-01-31 12:00:00.001 UTC [44] joe@shop/%s LOG:  duration: 1.500 ms  statement: SELECT 1\n"
    for application in (b"[unknown]", b"web shop"):
        found = find_prefix(line.replace(b"%s", application) * 9)
        assert found is not None and found.spelled == "%m [%p] %q%u@%d/%a "


@pytest.mark.parametrize("spelled", ["%m|%u|%d|%h|%p|", "%t;%d;%u;%p;", "<%m %u %d %p> ", "%m,%u,%d,%p,%r,%a: "])
def test_columns_that_nothing_names_tell_the_process_and_claim_no_more(spelled: str) -> None:
    told = {"m": "2026-01-31 12:00:00.001 UTC", "t": "2026-01-31 12:00:00 UTC", "d": "shop", "h": "", "a": "web"}
    lines = [
        "".join(
            {**told, "u": user, "p": str(at), "r": f"10.0.0.1({at})"}[part[1]] + part[2:] if part[0] == "%" else part
            for part in re.findall(r"%.[^%]*|[^%]+", spelled)
        )
        + "LOG:  duration: 1.500 ms  statement: SELECT 1\n"
        for at, user in enumerate(["joe", "ann", "", "joe"] * 9, start=4000)
    ]
    sample = "".join(lines).encode()
    found = find_prefix(sample)
    assert found is not None
    form = Stderr(found)
    sessions = [form.session(entry[3]) for entry in form.entries(sample)]
    assert [(each.name, each.database, each.is_told_apart) for each in sessions] == [
        (f"{at}//", None, True) for at in range(4000, 4036)
    ]


def test_a_prefix_that_few_records_have_is_none() -> None:
    known = b"2026-01-31 12:00:00.001 UTC [44] joe@shop LOG:  hello\n"
    strange = [b"a%d-%db:LOG:  hello\n" % (at, at * at) for at in range(30)]
    assert find_prefix(known * 30 + b"".join(strange)) is not None
    assert find_prefix(known * 9 + b"".join(strange)) is None
