"""The database of a twin: named as the audited one, with its locale or one like it."""

from collections.abc import Iterator, Mapping

import psycopg

from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.twin_schema_text import literal
from pgadvisor.planner.twin_schema_types import NON_C_LOCALES, is_c
from pgadvisor.sql.identifiers import quoted

_TEMPLATES = frozenset({"template0", "template1"})


def database_name(snapshot: Snapshot) -> str:
    """What the twin's database is called."""
    name = snapshot.server.database if snapshot.server else "postgres"
    return "postgres" if name in _TEMPLATES else name


def create_database(connection: psycopg.Connection, snapshot: Snapshot) -> tuple[Gap, ...]:
    """Makes it, on a connection in autocommit to `template1`; a Gap where the machine lacks the server's locale."""
    name = quoted(database_name(snapshot))
    settings = {each.name: each.value for each in snapshot.settings}
    connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
    reason = None
    for options in _locales(settings):
        try:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {options}".encode())
            break
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            reason = reason or error.diag.message_primary
    return () if reason is None else (_other_locale(settings, reason),)


def _locales(settings: Mapping[str, str]) -> Iterator[str]:
    """The server's own, others that the planner treats alike, and C, which every machine has."""
    collate = settings.get("lc_collate", "C")
    character = settings.get("lc_ctype", collate)
    provider, own = settings.get("locale_provider", "libc"), settings.get("locale", "")
    if provider == "icu":
        yield f"LOCALE_PROVIDER icu ICU_LOCALE {literal(own)} LOCALE 'C'"
    elif provider == "builtin":
        yield f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal(own)} LOCALE 'C'"
    else:
        yield f"LC_COLLATE {literal(collate)} LC_CTYPE {literal(character)}"
    if provider == "icu" or (provider == "libc" and not is_c(collate)):
        yield from (f"LOCALE {literal(locale)}" for locale in NON_C_LOCALES)
    yield "LOCALE 'C'"


def _other_locale(settings: Mapping[str, str], reason: str) -> Gap:
    name = settings.get("locale") or settings.get("lc_collate", "")
    return Gap(
        area="planner",
        subject="locale",
        reason=f"the locale {name} of the audited database is not to be had on this machine, so that the planner twin "
        f"orders texts by their bytes; estimates of text ranges may differ: {reason}",
        cure=f"install the locale ({name}) on this machine, and programs with its provider: --twin-bin DIR",
    )
