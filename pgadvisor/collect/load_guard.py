"""The load guard: nothing is run on a server that is busy, waits for locks, or whose replicas lag behind."""

import math
import time
from collections.abc import Callable, Sequence

from pgadvisor.collect.session import Row, Session, StatementError

ACTIVE_SHARE = 0.7
"""Of the processors: above it, one more query makes others wait."""
MOST_PROCESSORS = 8
"""A server does not say how many it has; max_worker_processes (8 unless someone set it) stands for them, up to here."""
MOST_LAG_S = 10.0
"""Of a replica, or of the standby itself: reading more would keep it behind."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Waiting for a quiet moment before a statement is given up."""

CANNOT_SEE = "the role may not see how busy the server is"

_QUERY = """
SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_see,
       pg_catalog.current_setting('max_worker_processes')::pg_catalog.int4 AS processors,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()) AS active,
       EXISTS (SELECT FROM pg_catalog.pg_locks WHERE NOT granted) AS has_waiting,
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity
               WHERE backend_type = 'checkpointer' AND wait_event IN ('DataFileSync', 'DataFileFlush')) AS is_syncing,
       (SELECT pg_catalog.max(pg_catalog.date_part('epoch', replay_lag))
        FROM pg_catalog.pg_stat_replication WHERE state = 'streaming') AS replica_lag_s,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
                                               - pg_catalog.pg_last_xact_replay_timestamp()) END AS standby_lag_s,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_last_wal_receive_lsn() IS DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()
            END AS is_behind
"""


def busy(
    session: Session, pauses_s: Sequence[float] = PAUSES_S, sleep: Callable[[float], None] = time.sleep
) -> str | None:
    """Why nothing should be run now, as a clause, after waiting for a quiet moment; None: run it."""
    for pause_s in pauses_s:
        reason = _look(session)
        if reason in (None, CANNOT_SEE):
            return reason
        sleep(pause_s)
    return _look(session)


def _look(session: Session) -> str | None:
    try:
        return judged(session.rows(_QUERY)[0])
    except StatementError as error:
        return f"the server's load could not be read: {error.reason}"


def judged(seen: Row) -> str | None:
    """Why a server that looks so is left in peace; None: it is not busy."""
    most = max(1, math.floor(ACTIVE_SHARE * min(seen["processors"], MOST_PROCESSORS)))
    if not seen["may_see"]:
        return CANNOT_SEE
    if seen["active"] >= most:
        return f"the server is busy: {seen['active']} queries are active"
    if seen["has_waiting"]:
        return "sessions are waiting for locks"
    if seen["is_syncing"]:
        return "a checkpoint is flushing to disk"
    if (seen["replica_lag_s"] or 0.0) > MOST_LAG_S:
        return f"a replica is {seen['replica_lag_s']:.0f} s behind"
    if seen["is_behind"] and (seen["standby_lag_s"] or 0.0) > MOST_LAG_S:
        return f"the standby is {seen['standby_lag_s']:.0f} s behind"
    return None
