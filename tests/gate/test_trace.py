"""The trace: what migrations do on a scratch server, there and back."""

import pytest

from pgadvisor.model.trace import Reversal, Trace, Traced
from tests.fix_servers import Server
from tests.gate.tracing import migration, past, traced

_SHOP = """
CREATE TABLE users (id bigint PRIMARY KEY, name text, email varchar(50), at timestamptz);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric(10, 2));
CREATE INDEX users_email ON users (email);
CREATE VIEW names AS SELECT name FROM users;
"""


def one(server: Server, up: str, *, in_transaction: bool = True, time_zone: str | None = "UTC") -> Traced:
    """What one statement did on the shop."""
    found = traced(server, past(_SHOP), migration(up, in_transaction=in_transaction), time_zone=time_zone)
    return found.statements[-1]


def reversal(server: Server, up: str, down: str | None) -> Reversal:
    """Of one migration on the shop."""
    (found,) = traced(server, past(_SHOP), migration(up, down)).reversals
    return found


def held(each: Traced) -> dict[str, str]:
    """Locks by relation."""
    return {lock.relation: lock.mode for lock in each.locks}


def test_what_comes_with_the_pull_request_is_left_out(server: Server) -> None:
    first = migration("CREATE TABLE tags (id int, user_id bigint REFERENCES users);", name="0002")
    second = migration("CREATE INDEX tags_user ON tags (user_id);\nALTER TABLE tags ALTER id TYPE bigint;", name="0003")
    made, index, altered = traced(server, past(_SHOP), first, second).statements
    assert held(made) == {"public.users": "SHARE ROW EXCLUSIVE"}
    assert (index.error, index.locks, index.scanned) == (None, (), ())
    assert (altered.error, altered.locks, altered.rewritten) == (None, (), ())


def test_an_index_on_a_table_of_the_same_pull_request_waits_for_nobody(server: Server) -> None:
    first = migration("CREATE TABLE tags (id int);", name="0001")
    second = migration("CREATE INDEX CONCURRENTLY tags_id ON tags (id);", name="0002", in_transaction=False)
    _, index = traced(server, first, second).statements
    assert (index.not_run, index.error, index.in_transaction) == (None, None, False)
    _, index = traced(server, past(_SHOP), first, second).statements
    assert (index.not_run, index.error, index.locks) == (None, None, ())


def test_a_lock_held_since_an_earlier_statement_is_told_from_one_taken(server: Server) -> None:
    both = migration("ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX users_age ON users (age);")
    _, index = traced(server, past(_SHOP), both).statements
    (lock,) = index.locks
    assert (lock.mode, lock.taken) == ("ACCESS EXCLUSIVE", "SHARE")


def test_the_time_zone_of_production_decides_over_a_rewrite(server: Server) -> None:
    text = "ALTER TABLE users ALTER COLUMN at TYPE timestamp"
    assert one(server, text, time_zone="UTC").rewritten == ()
    assert one(server, text, time_zone="Europe/Berlin").rewritten == ("public.users",)


def test_indexes_that_a_type_change_builds_anew_are_told(server: Server) -> None:
    assert one(server, "ALTER TABLE users ALTER COLUMN email TYPE varchar(80)").rebuilt == ()
    narrowed = one(server, "ALTER TABLE users ALTER COLUMN email TYPE varchar(20)")
    assert narrowed.rebuilt == ("public.users_email", "public.users_pkey")


def test_an_index_closed_to_readers_is_told(server: Server) -> None:
    (table, index) = one(server, "REINDEX INDEX users_email").locks
    assert (index.relation, index.kind, index.mode, index.table) == (
        "public.users_email",
        "index",
        "ACCESS EXCLUSIVE",
        "public.users",
    )
    assert (table.relation, table.mode) == ("public.users", "SHARE")


def test_concurrently_in_a_transaction_fails_as_the_server_says(server: Server) -> None:
    found = one(server, "-- a comment\n\nCREATE INDEX CONCURRENTLY i ON users (name)")
    assert found.error is not None
    assert (found.error.sqlstate, found.error.line) == ("25001", 3)
    assert "cannot run inside a transaction block" in found.error.message


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        ("CREATE INDEX CONCURRENTLY i ON users (name)", {"public.users": "SHARE UPDATE EXCLUSIVE"}),
        ("DROP INDEX CONCURRENTLY users_email", {"public.users": "SHARE UPDATE EXCLUSIVE"}),
        ("VACUUM users", {"public.users": "SHARE UPDATE EXCLUSIVE"}),
        ("VACUUM FULL users", {"public.users": "ACCESS EXCLUSIVE"}),
        ("ALTER TABLE users ADD COLUMN age int", {"public.users": "ACCESS EXCLUSIVE"}),
        ("DO $$ BEGIN UPDATE users SET name = 'x'; COMMIT; END $$", {"public.users": "ROW EXCLUSIVE"}),
    ],
)
def test_locks_outside_a_transaction_are_seen_every_time(server: Server, text: str, locks: dict[str, str]) -> None:
    found = one(server, text, in_transaction=False)
    assert held(found) == locks
    assert not found.in_transaction


def test_vacuum_full_rewrites(server: Server) -> None:
    found = one(server, "VACUUM FULL users", in_transaction=False)
    assert found.rewritten == ("public.users",)
    assert found.rebuilt == ("public.users_email", "public.users_pkey")


def test_an_error_has_its_line_and_stops_nothing(server: Server) -> None:
    first = migration("ALTER TABLE users\n  ADD COLUMN a int,\n  ADD COLUMN b nothing;\nALTER TABLE users ADD c int;")
    second = migration("ALTER TABLE users ADD COLUMN d int;", name="0003")
    wrong, same, later = traced(server, past(_SHOP), first, second).statements
    assert wrong.error is not None
    assert (wrong.error.message, wrong.error.line) == ('type "nothing" does not exist', 3)
    assert not wrong.after_error
    assert (same.error, same.after_error, held(same)) == (None, True, {"public.users": "ACCESS EXCLUSIVE"})
    assert (later.error, later.after_error, held(later)) == (None, True, {"public.users": "ACCESS EXCLUSIVE"})


def test_a_constraint_that_was_put_off_fails_with_the_transaction(server: Server) -> None:
    text = (
        "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO a VALUES (1, 7);"
    )
    found = traced(server, past(_SHOP), migration(text)).statements[-1]
    assert found.error is not None
    assert found.error.sqlstate == "23503"


def test_transactions_of_the_migration_itself(server: Server) -> None:
    text = (
        "BEGIN;\nALTER TABLE users ADD a int;\nSAVEPOINT s;\nALTER TABLE users ADD b int;\nROLLBACK TO s;\nCOMMIT;\n"
        "BEGIN;\nALTER TABLE orders ADD a int;\nROLLBACK;\nALTER TABLE orders ADD a int;"
    )
    found = traced(server, past(_SHOP), migration(text)).statements
    assert [each.error for each in found] == [None] * 10
    assert held(found[7]) == held(found[9]) == {"public.orders": "ACCESS EXCLUSIVE"}


def test_a_serializable_transaction_is_traced(server: Server) -> None:
    text = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nSELECT * FROM users;\nALTER TABLE users ADD a int;"
    first, _, altered = traced(server, past(_SHOP), migration(text)).statements
    assert (first.error, held(altered)) == (None, {"public.users": "ACCESS EXCLUSIVE"})


def test_a_failing_savepoint_ends_its_transaction(server: Server) -> None:
    lost, after = traced(
        server, past(_SHOP), migration("ROLLBACK TO nowhere;\nALTER TABLE users ADD a int;")
    ).statements
    assert lost.error is not None
    assert (after.error, held(after)) == (None, {"public.users": "ACCESS EXCLUSIVE"})


def test_what_a_setting_of_one_migration_changes_is_not_seen_by_the_next(server: Server) -> None:
    first = migration("SELECT set_config('search_path', '', false);\nSET statement_timeout = '1ms';")
    second = migration("ALTER TABLE users ADD a int;", name="0003")
    assert traced(server, past(_SHOP), first, second).statements[-1].error is None


def test_without_a_past_what_is_missing_is_no_error(server: Server) -> None:
    (found,) = traced(server, migration("ALTER TABLE users ADD a int;")).statements
    assert found.error is None
    assert found.not_run == (
        'relation "users" does not exist, which may be because no snapshot and no earlier migration tells what stood '
        "before"
    )
    (wrong,) = traced(server, migration("ALTER TABEL users ADD a int;")).statements
    assert wrong.error is not None


def test_an_earlier_migration_that_fails_is_a_gap_and_a_doubt(server: Server) -> None:
    earlier = past("CREATE TABLE a (id nothing);\nCREATE TABLE b (id int);")
    found = traced(server, earlier, migration("ALTER TABLE a ADD x int;\nALTER TABLE b ADD x int;"))
    assert "migrations/0001.sql:1" in found.gaps[0].reason
    missing, there = found.statements
    assert (missing.error, missing.not_run is not None) == (None, True)
    assert held(there) == {"public.b": "ACCESS EXCLUSIVE"}


def test_rows_that_stand_in_the_way_are_no_error_but_where_a_column_is_new(server: Server) -> None:
    rows = past(_SHOP + "INSERT INTO users VALUES (1);")
    text = "ALTER TABLE users ALTER name SET NOT NULL;\nALTER TABLE users ADD n int NOT NULL;"
    seen, added = traced(server, rows, migration(text)).statements
    assert (seen.error, seen.not_run is not None) == (None, True)
    assert added.error is not None
    assert added.error.message == 'column "n" of relation "users" contains null values'


def test_a_faithful_way_back(server: Server) -> None:
    found = reversal(
        server, "ALTER TABLE users ADD age int; CREATE INDEX i ON users (age);", "ALTER TABLE users DROP age;"
    )
    assert found.is_reversible
    assert (found.left_over, found.missing, found.data_lost) == ((), (), ())
    assert found.data_lost_on_return == ("public.users.age",)


def test_a_way_back_that_leaves_something_over(server: Server) -> None:
    found = reversal(
        server, "CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE users ADD m mood;", "ALTER TABLE users DROP m;"
    )
    assert found.is_reversible is False
    assert found.left_over == ("enum public.mood (sad)",)


def test_a_way_back_that_brings_columns_without_their_rows(server: Server) -> None:
    found = reversal(server, "ALTER TABLE users DROP email;", "ALTER TABLE users ADD email varchar(50);")
    assert found.is_reversible is False
    assert found.missing == ("index public.users_email CREATE INDEX users_email ON public.users USING btree (email)",)
    assert found.data_lost == ("public.users.email",)


def test_a_rename_loses_nothing(server: Server) -> None:
    found = reversal(server, "ALTER TABLE users RENAME email TO mail;", "ALTER TABLE users RENAME mail TO email;")
    assert (found.is_reversible, found.data_lost, found.data_lost_on_return) == (True, (), ())


def test_a_way_back_that_fails_and_one_that_is_not_there(server: Server) -> None:
    failing = reversal(server, "ALTER TABLE users ADD a int;", "ALTER TABLE users DROP b;")
    assert failing.is_reversible is False
    assert failing.reason == 'its way back fails: column "b" of relation "users" does not exist'
    none = reversal(server, "DROP VIEW names; DROP TABLE orders;", None)
    assert (none.is_reversible, none.reason, none.data_lost) == (None, "it has no way back", ())


def test_ways_back_run_from_the_last_to_the_first(server: Server) -> None:
    first = migration("CREATE TABLE a (id int);", "DROP TABLE a;", name="0002")
    second = migration("ALTER TABLE a ADD x int;", "ALTER TABLE a DROP x;", name="0003")
    found = traced(server, past(_SHOP), first, second)
    assert [each.is_reversible for each in found.reversals] == [True, True]
    assert [(each.migration, each.direction) for each in found.statements] == [
        ("0002", "up"),
        ("0003", "up"),
        ("0003", "down"),
        ("0002", "down"),
    ]


def test_a_migration_among_the_judged_ones_is_run_and_not_told_of(server: Server) -> None:
    between = migration("CREATE TABLE b (id int);", name="0003", judged=False)
    last = migration("ALTER TABLE b ADD x int;", "ALTER TABLE b DROP x;", name="0004")
    found = traced(server, past(_SHOP), migration("CREATE TABLE a (id int);", "DROP TABLE a;"), between, last)
    assert [each.migration for each in found.statements] == ["0002", "0004", "0004", "0002"]
    assert [each.error for each in found.statements] == [None] * 4
    assert [each.is_reversible for each in found.reversals] == [True, True]


def test_the_same_trace_twice_is_the_same(server: Server) -> None:
    def told(found: Trace) -> list[object]:
        return [(each.locks, each.rewritten, each.scanned, each.error) for each in found.statements]

    text = "ALTER TABLE users ALTER email TYPE varchar(20);\nCREATE INDEX i ON users (name);\nDROP VIEW names;"
    assert told(traced(server, past(_SHOP), migration(text))) == told(traced(server, past(_SHOP), migration(text)))


def test_forty_statements_in_a_few_seconds(server: Server) -> None:
    text = "".join(f"ALTER TABLE users ADD c{i} int;\nCREATE INDEX i{i} ON users (c{i});\n" for i in range(20))
    found = traced(server, past(_SHOP), migration(text))
    assert sum(each.error is None and each.duration_ms is not None for each in found.statements) == 40
    assert sum(each.duration_ms or 0.0 for each in found.statements) < 10_000
