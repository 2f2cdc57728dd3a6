"""A way to run queries is switched off for good, by an `enable_` setting.

## What it finds
`enable_seqscan`, `enable_nestloop`, `enable_hashjoin` and the like that are off for every new session of the database,
or for a role. Those that are off by default (`enable_partitionwise_join`, `enable_partitionwise_aggregate`) are left
out.

## Why it matters
These settings are for finding out why the planner chooses a plan. Left off, they make every query do without the
method, also those for which it is by far the best: a hash join that had to become a nested loop takes hours.

## What to do
Switch it on again. Where one query has a bad plan, mend its reason: statistics, an index, the cost settings; at worst
set it for that one transaction (SET LOCAL).

## When to leave it
A role that runs a few known queries, for which it was tried.

## Source
https://www.postgresql.org/docs/current/runtime-config-query.html#RUNTIME-CONFIG-QUERY-ENABLE
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    RoleSetting,
    Rung,
    Setting,
    Severity,
    Where,
    listed,
    quoted,
    server_rule,
)

OFF_BY_DEFAULT = frozenset(("enable_partitionwise_join", "enable_partitionwise_aggregate"))
SWITCHED_OFF = Setting(name="enable_nestloop", value="off", is_default=False)
ALWAYS_OFF = Setting(name="enable_novelty", value="off", is_default=True)

BAD = [
    Example(more={"settings": (SWITCHED_OFF,)}, remedy="ALTER SYSTEM SET enable_nestloop = on;"),
    Example(
        note="For one role.",
        settings={"enable_seqscan": "on"},
        more={"activity": Activity(role_settings=(RoleSetting(name="enable_seqscan", value="off", role="app"),))},
        remedy="ALTER ROLE app RESET enable_seqscan;",
    ),
]
GOOD = [
    Example(note="All are on.", settings={"enable_nestloop": "on", "enable_hashjoin": "on"}),
    Example(note="It is off by default.", more={"settings": (ALWAYS_OFF,)}),
    Example(
        note="It is off for a role as it is by default.",
        more={"activity": Activity(role_settings=(RoleSetting(name="enable_partitionwise_join", value="off"),))},
    ),
]


@server_rule(severity=Severity.WARNING, since="0.2")
def check(facts: Facts) -> Iterator[Finding]:
    activity = facts.snapshot.activity
    scoped = [each for each in (activity.role_settings if activity else ()) if _is_off(each.name, each.value)]
    general = [
        each.name
        for each in facts.snapshot.settings
        if _is_off(each.name, each.value) and not each.is_default and each.name not in {other.name for other in scoped}
    ]
    if not general and not scoped:
        return
    told = [f"{name} is off for the server" for name in general]
    told += [f"{each.name} is off{_of(each)}" for each in scoped]
    seen = [f"a new session here has {name} = off" for name in general]
    seen += [f"pg_db_role_setting: {each.name} = off{_of(each)}" for each in scoped]
    yield Finding(
        where=Where(),
        message=listed(told),
        evidence=tuple(Evidence(rung=Rung.INFERRED, text=each) for each in seen),
        remedy=_remedy(general, scoped),
        wrong_if="it was tried for the few queries that run with it",
        severity=Severity.WARNING if general or any(each.role is None for each in scoped) else Severity.INFO,
        cause="planner methods disabled",
    )


def _is_off(name: str, value: str) -> bool:
    return name.startswith("enable_") and name not in OFF_BY_DEFAULT and value.lower() in ("off", "false", "no", "0")


def _of(each: RoleSetting) -> str:
    role = f' for the role "{each.role}"' if each.role else ""
    return role + (f' in the database "{each.database}"' if each.database else "")


def _remedy(general: list[str], scoped: list[RoleSetting]) -> Remedy:
    sql = [f"ALTER SYSTEM SET {name} = on;" for name in general]
    undo = [f"ALTER SYSTEM SET {name} = off;" for name in general]
    if general:
        sql.append("SELECT pg_catalog.pg_reload_conf();")
        undo.append("SELECT pg_catalog.pg_reload_conf();")
    sql += [f"{_alter(each)} RESET {each.name};" for each in scoped]
    undo += [f"{_alter(each)} SET {each.name} = off;" for each in scoped]
    return Remedy(
        text="Switch it on again, and compare the plans of the statements that it was switched off for.",
        sql="\n".join(sql),
        undo="\n".join(undo),
        lock="none; new sessions take it",
        cost="plans change: look at the slowest statements afterwards",
    )


def _alter(each: RoleSetting) -> str:
    if each.role is None:
        return f"ALTER DATABASE {quoted(each.database)}" if each.database else "ALTER ROLE ALL"
    return f"ALTER ROLE {quoted(each.role)}" + (f" IN DATABASE {quoted(each.database)}" if each.database else "")
