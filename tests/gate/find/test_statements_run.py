"""What frameworks are read as is what a server takes: forwards, and back to an empty database."""

from pathlib import Path

import psycopg
import pytest

from pgadvisor.gate.find.find import find_migrations

SAMPLES = Path(__file__).parent.parent / "samples"
_RELATIONS = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace /* pgadvisor */"


@pytest.mark.parametrize("sample", ["django", "alembic"])
def test_every_statement_runs_and_can_be_taken_back(sample: str, database: str) -> None:
    found = [each for each in find_migrations([SAMPLES / sample], base=None, root=SAMPLES / sample) if not each.unread]
    with psycopg.connect(database, autocommit=True) as connection:
        for migration in found:
            for each in migration.up:
                connection.execute(each.text.encode())
        made = connection.execute(_RELATIONS).fetchone()
        assert made is not None
        assert made[0] > 0
        for migration in reversed(found):
            if migration.name == "shop.0003_index":  # it cannot be taken back by itself
                connection.execute(
                    "DROP INDEX order_total_idx; ALTER TABLE shop_order ALTER COLUMN total DROP NOT NULL"
                )
            for each in migration.down or ():
                connection.execute(each.text.encode())
        assert connection.execute(_RELATIONS).fetchone() == (0,)
