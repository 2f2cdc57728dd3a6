"""PostgreSQL in Docker containers, where a Docker daemon answers and holds an image; none is ever fetched."""

import contextlib
import functools
import secrets
from collections.abc import Iterator

import docker
import docker.errors
import requests
from psycopg.conninfo import make_conninfo
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

MAJORS = ("18", "17", "16", "15", "14", "13")
_OPTIONS = "postgres -c shared_preload_libraries=pg_stat_statements -c fsync=off -c max_connections=40"
_ANSWER_S = 3


@functools.cache
def images_at_hand() -> frozenset[str]:
    """The names of the images that the Docker daemon holds; none where no daemon answers."""
    try:
        client = docker.from_env(timeout=_ANSWER_S)
        return frozenset(tag for image in client.images.list() for tag in image.tags)
    except (docker.errors.DockerException, requests.RequestException):
        return frozenset()


def image_at_hand(*majors: str) -> str | None:
    """An image of PostgreSQL: one that .ci/make-image made, or the official one; the newest version first."""
    names = (f"{name}:{major}" for major in majors or MAJORS for name in ("pgadvisor-postgres", "postgres"))
    return next((name for name in names if name in images_at_hand()), None)


@contextlib.contextmanager
def container(image: str) -> Iterator[str]:
    """Runs a container; gives the superuser's DSN."""
    # Ryuk removes containers after a killed run, but is an image of its own, which may not be at hand.
    testcontainers_config.ryuk_disabled = True
    password = secrets.token_hex(16)
    postgres = PostgresContainer(image, username="postgres", password=password, dbname="postgres", driver=None)
    with postgres.with_command(_OPTIONS) as running:
        host, port = running.get_container_host_ip(), running.get_exposed_port(5432)
        yield make_conninfo(host=host, port=port, user="postgres", password=password, dbname="postgres")
