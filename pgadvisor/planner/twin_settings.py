"""Settings of a twin: those of the audited server that decide what the planner does, set for the twin's database."""

import psycopg
from psycopg import sql

from pgadvisor.model.catalog import Setting
from pgadvisor.model.snapshot import Gap, Snapshot

_OTHERS = (
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "bytea_output",
    "default_transaction_isolation",
    "effective_io_concurrency",
    "extra_float_digits",
    "hash_mem_multiplier",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "parallel_leader_participation",
    "row_security",
    "standard_conforming_strings",
    "work_mem",
    "xmlbinary",
)
"""What decides, beside the category Query Tuning, how a statement is read and what its plan costs."""

# Settings of the category that this version has are all set to the source's; of those it has not, only these matter:
# the rest came with newer servers and are at their default, or went because they did nothing.
_SETTABLE = """/* pgadvisor */
SELECT name, COALESCE(reset_val, setting, '') AS value
FROM pg_catalog.pg_settings
WHERE context IN ('user', 'superuser')
  AND (category LIKE 'Query Tuning%%' OR name = ANY (%s))
"""


def apply_settings(connection: psycopg.Connection, snapshot: Snapshot) -> tuple[Gap, ...]:
    """Sets the source's planner settings for the connected database; new connections have them.

    A value that this version refuses leaves a Gap.
    """
    database = connection.info.dbname
    wanted = {each.name: each for each in snapshot.settings}
    failed = []
    for name, present in connection.execute(_SETTABLE, (list(_OTHERS),)):
        setting = wanted.get(name)
        if setting is not None and setting.value != present and not _is_set(connection, database, setting):
            failed.append(setting)
    path = sql.SQL(", ").join(map(sql.Literal, snapshot.search_path or ("",)))
    connection.execute(sql.SQL("ALTER DATABASE {} SET search_path TO {}").format(sql.Identifier(database), path))
    return tuple(_refused(setting) for setting in failed)


def _is_set(connection: psycopg.Connection, database: str, setting: Setting) -> bool:
    """`pg_settings` gives values in the setting's own unit, which is the one that a bare number has."""
    statement = sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
        sql.Identifier(database), sql.Identifier(setting.name), sql.Literal(setting.value)
    )
    try:
        connection.execute(statement)
    except psycopg.Error:
        return False
    return True


def _refused(setting: Setting) -> Gap:
    return Gap(
        area="planner",
        subject=setting.name,
        reason=f"the planner twin does not take the audited server's {setting.name} ({setting.value}) and has its own",
        cure="name programs of the audited server's version with --twin-bin DIR",
    )
