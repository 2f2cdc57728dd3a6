"""The calls: statements with their share, and other values at every call; nine of ten write."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.write_heavy.rows import COUNTERS, DAYS, ENTITIES, NOW, QUEUES, Counts, device_name, token

_SEED = 99
_MIDWAY = 1_000
"""Calls before those of the workload file: the first purge would find nothing to purge."""
_STATEMENTS = """
reading_insert 1500|INSERT INTO readings (device_id, metric, quality, value, taken_at) VALUES ({reading})
reading_batch 350|INSERT INTO readings (device_id, metric, quality, value, taken_at) VALUES {readings}
reading_purge 8|DELETE FROM readings WHERE taken_at < '{reading_cut}'
reading_latest 500|SELECT value, taken_at FROM readings WHERE device_id = {device} AND metric = {metric} ORDER BY taken_at DESC LIMIT 1
reading_day 60|SELECT metric, count(*), avg(value), max(value) FROM readings WHERE device_id = {device} AND taken_at >= '{day}' AND taken_at < '{day_after}' GROUP BY metric
reading_window 10|SELECT device_id, metric, value FROM readings WHERE taken_at >= '{moment}' AND taken_at < '{moment_after}' AND quality > 0
device_seen 2200|UPDATE devices SET last_seen = '{now}', reading_count = reading_count + 1, battery = {percent} WHERE id = {device}
device_site 80|SELECT id, name, last_seen FROM devices WHERE site_id = {site} ORDER BY name LIMIT 50
device_search 16|SELECT id, name FROM devices WHERE name LIKE '{name_start}%' ORDER BY name LIMIT 20
device_offline 2|SELECT id, name, last_seen FROM devices WHERE last_seen < '{long_ago}' ORDER BY last_seen LIMIT 50
setting_save 200|UPDATE device_settings SET value = '{percent}', saved_at = '{now}' WHERE id = {setting}
rollup_add 900|INSERT INTO rollups VALUES ({device}, '{today}', 1, {amount}, '{now}') ON CONFLICT (device_id, day) DO UPDATE SET readings = rollups.readings + 1, total = rollups.total + excluded.total, updated_at = excluded.updated_at
alert_open 100|INSERT INTO alerts (device_id, severity, state, opened_at, message) VALUES ({device}, {metric}, 'open', '{now}', 'battery below {percent} %')
alert_close 90|UPDATE alerts SET state = 'closed', closed_at = '{now}' WHERE id = {alert}
alert_list 60|SELECT id, device_id, severity, message FROM alerts WHERE state = 'open' ORDER BY opened_at DESC LIMIT 20
job_insert 300|INSERT INTO jobs (queue, status, priority, attempts, run_at, updated_at, payload) VALUES ('{queue}', 'queued', {metric}, 0, '{now}', '{now}', '{{"device": {device}}}')
job_pick 300|UPDATE jobs SET status = 'running', locked_at = '{now}', updated_at = '{now}', attempts = attempts + 1 WHERE id = (SELECT id FROM jobs WHERE queue = '{queue}' AND status = 'queued' AND run_at <= '{now}' ORDER BY priority DESC, run_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, payload
job_beat 700|UPDATE jobs SET locked_at = '{now}', updated_at = '{now}' WHERE id = {job}
job_done 300|UPDATE jobs SET status = 'done', updated_at = '{now}' WHERE id = {job}
job_purge 4|DELETE FROM jobs WHERE id <= {job_cut} AND status = 'done'
attempt_insert 300|INSERT INTO job_attempts (job_id, worker, started_at) VALUES ({job}, 'worker-{metric}', '{now}')
counter_add 1200|UPDATE counters SET value = value + 1, updated_at = '{now}' WHERE scope_id = {scope} AND name = '{counter}'
counter_top 100|SELECT name, value FROM counters WHERE scope_id = {scope} ORDER BY value DESC LIMIT 5
account_post 1000|UPDATE accounts SET balance = balance + {amount}, version = version + 1, updated_at = '{now}' WHERE id = {account}
account_get 120|SELECT owner, currency, balance FROM accounts WHERE id = {account}
entry_insert 500|INSERT INTO entries (account_id, transfer_id, reference, kind, amount, booked_at) VALUES ({account}, {new}, 'N{random}a', 'debit', {amount}, '{now}'), ({other_account}, {new}, 'N{random}b', 'credit', {amount}, '{now}')
entry_account 120|SELECT kind, amount, booked_at FROM entries WHERE account_id = {account} ORDER BY booked_at DESC LIMIT 20
entry_transfer 2|SELECT account_id, kind, amount FROM entries WHERE transfer_id = {transfer}
session_insert 150|INSERT INTO sessions (token, user_id, ip, is_revoked, hits, created_at, last_seen, expires_at) VALUES ('{random}', {user}, '10.0.0.7', false, 0, '{now}', '{now}', '{in_two_weeks}')
session_touch 1600|UPDATE sessions SET last_seen = '{now}', hits = hits + 1 WHERE token = '{token}'
session_token 350|SELECT user_id, expires_at FROM sessions WHERE token = '{token}' AND NOT is_revoked
session_user 5|SELECT id, ip, created_at FROM sessions WHERE user_id = {user} ORDER BY last_seen DESC LIMIT 5
session_idle 1|SELECT count(*) FROM sessions WHERE last_seen < '{long_ago}'
session_end 60|DELETE FROM sessions WHERE token = '{token}'
session_purge 5|DELETE FROM sessions WHERE expires_at < '{expiry}'
audit_insert 700|INSERT INTO audit_log (at, actor_id, action, entity, entity_id, detail) VALUES ('{now}', {actor}, 'change', '{entity}', {device}, '{{"ip": "10.0.0.9", "field": "f{percent}"}}')
audit_entity 2|SELECT at, actor_id, action FROM audit_log WHERE entity = '{entity}' AND entity_id = {device} ORDER BY at DESC LIMIT 20
audit_day 4|SELECT action, count(*) FROM audit_log WHERE at >= '{moment}' AND at < '{hour_after}' GROUP BY action
"""  # noqa: E501, a statement a line


class Template(NamedTuple):
    """A statement with places for values, and how many calls of it there are among all."""

    name: str
    calls: int
    text: str

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return self.text.startswith("SELECT")


class Call(NamedTuple):
    """One call as it is sent."""

    name: str
    text: str


def _read(line: str) -> Template:
    head, _, text = line.partition("|")
    name, calls = head.split()
    return Template(name, int(calls), text)


TEMPLATES = tuple(_read(line) for line in _STATEMENTS.strip().splitlines())


def calls_of(count: int, counts: Counts) -> list[Call]:
    """About `count` calls in mixed order, each template as often as its share says and at least once."""
    total = sum(each.calls for each in TEMPLATES)
    order = [each for each in TEMPLATES for _ in range(max(round(each.calls * count / total), 1))]
    random = Random(_SEED)
    random.shuffle(order)
    return [Call(each.name, each.text.format_map(_values(random, counts, at))) for at, each in enumerate(order)]


def workload_sql(counts: Counts) -> str:
    """The workload as a file: each statement once, with its calls."""
    lines = [
        "-- A fleet of devices that report, 90 % of the calls write. Made by: python -m benchmarks.write_heavy --write"
    ]
    random = Random(_SEED)
    for each in TEMPLATES:
        lines += [
            f"-- name: {each.name} freq: {each.calls}",
            f"{each.text.format_map(_values(random, counts, _MIDWAY))};",
        ]
    return "\n".join(lines) + "\n"


def write_workload(path: Path, counts: Counts) -> None:
    """Writes the file."""
    path.write_text(workload_sql(counts), "utf-8")


def _values(random: Random, counts: Counts, at: int) -> dict[str, object]:
    """A value for every place; `at` calls were before this one."""

    def up_to(count: int) -> int:
        return int(random.random() * count) + 1

    now = NOW + timedelta(milliseconds=100 * at)
    device, day = up_to(counts.devices), NOW.date() - timedelta(days=up_to(DAYS - 2))
    moment = NOW - timedelta(days=2 * random.random())
    readings = ", ".join(f"({up_to(counts.devices)}, {up_to(4) - 1}, 0, {up_to(500) / 10}, '{now}')" for _ in range(10))
    return {
        "now": now,
        "today": now.date(),
        "in_two_weeks": now + timedelta(days=15),
        "long_ago": NOW - timedelta(hours=23, minutes=50),
        "day": day,
        "day_after": day + timedelta(days=1),
        "moment": moment,
        "moment_after": moment + timedelta(minutes=2),
        "hour_after": moment + timedelta(hours=1),
        "reading": f"{device}, {up_to(4) - 1}, 0, {up_to(500) / 10}, '{now}'",
        "readings": readings,
        "reading_cut": NOW - timedelta(days=DAYS) + timedelta(milliseconds=1000 * at),
        "expiry": NOW + timedelta(days=1) + timedelta(milliseconds=600 * at),
        "device": device,
        "metric": up_to(4) - 1,
        "percent": up_to(100),
        "site": up_to(400),
        "name_start": device_name(device)[:3],
        "setting": up_to(counts.settings),
        "amount": up_to(20_000) / 100,
        "alert": counts.alerts - up_to(counts.alerts // 10) + 1,
        "queue": random.choice(QUEUES),
        "job": counts.jobs - up_to(counts.jobs // 25) + 1,
        "job_cut": at // 8,
        "scope": int(random.random() ** 2 * counts.scopes) + 1,
        "counter": random.choice(COUNTERS),
        "account": up_to(counts.accounts),
        "other_account": up_to(counts.accounts),
        "new": counts.entries + at,
        "transfer": up_to(counts.entries // 2),
        "random": f"{random.getrandbits(124):031x}",
        "user": up_to(counts.users),
        "token": token(counts.sessions - up_to(counts.sessions // 2) + 1),
        "actor": up_to(900),
        "entity": random.choice(ENTITIES),
    }
