"""The server itself: version, clock, size, settings, search path, extensions, replicas."""

import re
from datetime import UTC, datetime

from pgadvisor.collect.reading import Reading, grant
from pgadvisor.collect.session import Row
from pgadvisor.model.catalog import Extension, Replica, Server, Setting
from pgadvisor.model.snapshot import Gap

_PATH_ITEM = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


def read_server(reading: Reading) -> tuple[Server, datetime]:
    """The server, and its clock's time: what all its other times compare with."""
    session = reading.session
    found = next(iter(reading.rows("server", "server", "the server's own data")), {})
    size = next(iter(reading.rows("database_size", "server", "the database's size", subject="size")), {})
    server = Server(
        version_num=session.version_num,
        version=session.version.split(" ")[0],
        database=session.database,
        host=session.host,
        size_bytes=size.get("size_bytes"),
        is_standby=session.is_standby,
        started_at=found.get("started_at"),
        statistics_reset_at=found.get("statistics_reset_at"),
    )
    _note_standby_and_pooler(reading)
    return server, found.get("collected_at") or datetime.now(UTC)


def _note_standby_and_pooler(reading: Reading) -> None:
    session = reading.session
    if session.is_standby:
        reading.gaps.append(
            Gap(
                area="counters",
                reason="the server is a hot standby: its counters tell of reads here, not of writes or other reads",
                cure="collect from the primary too",
            )
        )
    if session.is_pooled:
        reading.gaps.append(
            Gap(
                area="server",
                subject="connection",
                reason="the connection goes through a pooler, which may give each transaction to another session",
                cure="connect to PostgreSQL's own port if anything looks wrong",
            )
        )


def read_settings(reading: Reading) -> tuple[Setting, ...]:
    """The settings that matter, as a new session of this role has them; the database's locale among them."""
    rows = reading.rows("settings", "settings", "the settings")
    found = {row["name"]: Setting(**row) for row in rows}
    for row in reading.rows("locale", "settings", "the database's locale", subject="locale"):
        found |= {name: Setting(name=name, value=value or "", is_default=False) for name, value in row.items()}
    if rows and "shared_preload_libraries" not in found:
        reading.gaps.append(
            Gap(
                area="settings",
                subject="shared_preload_libraries",
                reason="settings that only superusers and pg_read_all_settings may see are hidden",
                cure=grant(reading.session),
            )
        )
    return tuple(found[name] for name in sorted(found))


def read_search_path(reading: Reading, settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """The schemas in which a bare name is looked for: this session's, then those set for the database or any role."""
    rows = reading.rows("search_path", "catalog", "the roles' search paths", subject="search paths")
    existing = {row["name"] for row in reading.rows("schemas", "catalog", "the schemas", subject="schemas")}
    own = next((each.value for each in settings if each.name == "search_path"), '"$user", public')
    paths = [(reading.session.role, own), *((row["role"], row["path"]) for row in rows)]
    names = [role if name == "$user" else name for role, path in paths for name in _path_items(path)]
    return tuple(name for name in dict.fromkeys(names) if name in existing) or ("public",)


def _path_items(path: str) -> list[str]:
    """The names of a search path as SQL spells it: `"$user", public`."""
    return [
        quoted.replace('""', '"') if quoted else bare.lower()
        for quoted, bare in _PATH_ITEM.findall(path)
        if quoted or bare
    ]


def read_extensions(reading: Reading) -> tuple[Extension, ...]:
    """The installed extensions."""
    rows = reading.rows("extensions", "catalog", "the extensions", subject="extensions")
    return tuple(Extension(**row) for row in rows)


def read_replicas(reading: Reading) -> tuple[Replica, ...]:
    """The standbys that receive from this server."""
    rows = reading.rows("replicas", "replicas", "the replicas")
    if any(row["state"] is None for row in rows):
        reading.gaps.append(
            Gap(area="replicas", reason="the state of replicas is hidden from the role", cure=grant(reading.session))
        )
    return tuple(_replica(row) for row in rows)


def _replica(row: Row) -> Replica:
    return Replica(
        name=row["name"],
        state=row["state"] or "unknown",
        is_synchronous=bool(row["is_synchronous"]),
        lag_bytes=row["lag_bytes"],
    )
