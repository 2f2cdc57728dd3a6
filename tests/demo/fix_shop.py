"""The demo's shop with its workload behind it, made once for the tests that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import psycopg
import pytest

from pgadvisor.demo.server import passing_server
from pgadvisor.demo.shop import AUDITOR, DATABASE, make_shop
from pgadvisor.demo.workload import run_workload
from pgadvisor.model.progress import no_progress


@dataclass(frozen=True)
class Shop:
    """A shop that is up."""

    made_at: datetime
    auditor: psycopg.Connection[tuple[object, ...]]
    """A session of the role that may only read."""
    auditor_dsn: str


@pytest.fixture(scope="package")
def shop() -> Iterator[Shop]:
    """The shop after a day of business."""
    with passing_server() as server:
        made_at = make_shop(server, no_progress)
        run_workload(server, made_at, no_progress)
        dsn = server.dsn(DATABASE, AUDITOR)
        with psycopg.connect(dsn, autocommit=True) as auditor:
            yield Shop(made_at=made_at, auditor=auditor, auditor_dsn=dsn)
