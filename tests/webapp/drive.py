"""Runs requests through the shop, in this process: `python -m tests.webapp.drive DSN trace|transaction`."""

import sys

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

REQUESTS = 6
"""Of each page."""
SHOWN = 12
"""Orders on a page."""


def main(dsn: str, told_by: str) -> None:
    """Each page a few times, one after the other, over one connection. `told_by`: what makes a request known."""
    parts = conninfo_to_dict(dsn)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts["dbname"],
                "USER": parts.get("user", ""),
                "PASSWORD": parts.get("password", ""),
                "HOST": parts.get("host", ""),
                "PORT": parts.get("port", ""),
                "ATOMIC_REQUESTS": told_by == "transaction",
            }
        },
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=[],
        MIDDLEWARE=["tests.webapp.tagging.TagStatements"],
        ROOT_URLCONF="tests.webapp.views",
        SECRET_KEY="of no use",
        WITH_TRACES=told_by == "trace",
    )
    django.setup()
    from django.test import Client

    client = Client()
    for number in range(1, REQUESTS + 1):
        for start in ("", "/mended"):
            for page in ("orders/", f"accounts/{number}/", f"search/?q=sku{number}"):
                answer = client.get(f"{start}/{page}")
                assert answer.status_code == 200, answer.content


if __name__ == "__main__":
    main(*sys.argv[1:])
