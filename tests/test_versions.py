"""Every PostgreSQL from 13 on: a role that may only read finds what is there, on each in the same way."""

from collections.abc import Callable

from tests import small_shop
from tests.fix_servers import Server, create_database, drop_database


def test_a_reader_finds_all(every_server: Server, reader: Callable[[str], str]) -> None:
    dsn = create_database(every_server, "small_shop")
    try:
        small_shop.fill(dsn)
        small_shop.assert_read(small_shop.read(reader(dsn)), every_server.version_num)
    finally:
        drop_database(every_server, dsn)
