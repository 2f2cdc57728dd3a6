"""PostgreSQL in Docker containers, over TCP and with passwords: what a server elsewhere looks like."""

import msgspec
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests import small_shop
from tests.fix_containers import MAJORS, container, image_at_hand
from tests.fix_servers import NamedServer, create_database, make_reader


@pytest.mark.parametrize("major", MAJORS)
def test_a_reader_finds_all(major: str) -> None:
    image = image_at_hand(major)
    if image is None:
        pytest.skip(
            "no Docker, or no image at hand: .ci/make-image makes one of 18, docker pull postgres:17 fetches 17"
        )
    with container(image) as superuser:
        server = NamedServer(superuser)
        dsn = create_database(server, "small_shop")
        small_shop.fill(dsn)
        reading = make_reader(dsn)
        snapshot = small_shop.read(reading)
        small_shop.assert_read(snapshot, server.version_num)
        assert snapshot.server is not None and snapshot.server.host == conninfo_to_dict(reading)["host"]
        password = str(conninfo_to_dict(reading)["password"])
        assert password not in msgspec.json.encode(snapshot).decode()
