"""The shop is made once for all tests of the demo, on a server of its own."""

import pytest

from tests.demo.fix_shop import shop
from tests.fix_servers import SERVER_IS_UP

__all__ = ["shop"]


@pytest.fixture(autouse=True)
def _starts_its_own_server(request: pytest.FixtureRequest) -> None:
    """These tests never skip: without a server they fail. The end of the run counts them as tests of a server."""
    if request.node.get_closest_marker("server"):
        request.config.stash[SERVER_IS_UP] = True
