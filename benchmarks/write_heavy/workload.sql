-- A fleet of devices that report, 90 % of the calls write. Made by: python -m benchmarks.write_heavy --write
-- name: reading_insert freq: 1500
INSERT INTO readings (device_id, metric, quality, value, taken_at) VALUES (8080, 3, 0, 30.3, '2025-06-01 12:01:40+00:00');
-- name: reading_batch freq: 350
INSERT INTO readings (device_id, metric, quality, value, taken_at) VALUES (15745, 0, 0, 10.6, '2025-06-01 12:01:40+00:00'), (5152, 1, 0, 38.2, '2025-06-01 12:01:40+00:00'), (7077, 2, 0, 46.2, '2025-06-01 12:01:40+00:00'), (2619, 3, 0, 30.0, '2025-06-01 12:01:40+00:00'), (14945, 2, 0, 20.5, '2025-06-01 12:01:40+00:00'), (1930, 0, 0, 8.8, '2025-06-01 12:01:40+00:00'), (3553, 0, 0, 10.4, '2025-06-01 12:01:40+00:00'), (11220, 3, 0, 39.9, '2025-06-01 12:01:40+00:00'), (16923, 0, 0, 41.2, '2025-06-01 12:01:40+00:00'), (3720, 0, 0, 14.4, '2025-06-01 12:01:40+00:00');
-- name: reading_purge freq: 8
DELETE FROM readings WHERE taken_at < '2025-05-02 12:16:40+00:00';
-- name: reading_latest freq: 500
SELECT value, taken_at FROM readings WHERE device_id = 5279 AND metric = 0 ORDER BY taken_at DESC LIMIT 1;
-- name: reading_day freq: 60
SELECT metric, count(*), avg(value), max(value) FROM readings WHERE device_id = 11393 AND taken_at >= '2025-05-17' AND taken_at < '2025-05-18' GROUP BY metric;
-- name: reading_window freq: 10
SELECT device_id, metric, value FROM readings WHERE taken_at >= '2025-05-31 08:47:45.916587+00:00' AND taken_at < '2025-05-31 08:49:45.916587+00:00' AND quality > 0;
-- name: device_seen freq: 2200
UPDATE devices SET last_seen = '2025-06-01 12:01:40+00:00', reading_count = reading_count + 1, battery = 23 WHERE id = 12586;
-- name: device_site freq: 80
SELECT id, name, last_seen FROM devices WHERE site_id = 131 ORDER BY name LIMIT 50;
-- name: device_search freq: 16
SELECT id, name FROM devices WHERE name LIKE '9e3%' ORDER BY name LIMIT 20;
-- name: device_offline freq: 2
SELECT id, name, last_seen FROM devices WHERE last_seen < '2025-05-31 12:10:00+00:00' ORDER BY last_seen LIMIT 50;
-- name: setting_save freq: 200
UPDATE device_settings SET value = '43', saved_at = '2025-06-01 12:01:40+00:00' WHERE id = 1208;
-- name: rollup_add freq: 900
INSERT INTO rollups VALUES (18382, '2025-06-01', 1, 193.03, '2025-06-01 12:01:40+00:00') ON CONFLICT (device_id, day) DO UPDATE SET readings = rollups.readings + 1, total = rollups.total + excluded.total, updated_at = excluded.updated_at;
-- name: alert_open freq: 100
INSERT INTO alerts (device_id, severity, state, opened_at, message) VALUES (4333, 1, 'open', '2025-06-01 12:01:40+00:00', 'battery below 42 %');
-- name: alert_close freq: 90
UPDATE alerts SET state = 'closed', closed_at = '2025-06-01 12:01:40+00:00' WHERE id = 38481;
-- name: alert_list freq: 60
SELECT id, device_id, severity, message FROM alerts WHERE state = 'open' ORDER BY opened_at DESC LIMIT 20;
-- name: job_insert freq: 300
INSERT INTO jobs (queue, status, priority, attempts, run_at, updated_at, payload) VALUES ('sync', 'queued', 2, 0, '2025-06-01 12:01:40+00:00', '2025-06-01 12:01:40+00:00', '{"device": 348}');
-- name: job_pick freq: 300
UPDATE jobs SET status = 'running', locked_at = '2025-06-01 12:01:40+00:00', updated_at = '2025-06-01 12:01:40+00:00', attempts = attempts + 1 WHERE id = (SELECT id FROM jobs WHERE queue = 'firmware' AND status = 'queued' AND run_at <= '2025-06-01 12:01:40+00:00' ORDER BY priority DESC, run_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, payload;
-- name: job_beat freq: 700
UPDATE jobs SET locked_at = '2025-06-01 12:01:40+00:00', updated_at = '2025-06-01 12:01:40+00:00' WHERE id = 77466;
-- name: job_done freq: 300
UPDATE jobs SET status = 'done', updated_at = '2025-06-01 12:01:40+00:00' WHERE id = 78902;
-- name: job_purge freq: 4
DELETE FROM jobs WHERE id <= 125 AND status = 'done';
-- name: attempt_insert freq: 300
INSERT INTO job_attempts (job_id, worker, started_at) VALUES (77005, 'worker-0', '2025-06-01 12:01:40+00:00');
-- name: counter_add freq: 1200
UPDATE counters SET value = value + 1, updated_at = '2025-06-01 12:01:40+00:00' WHERE scope_id = 1431 AND name = 'api.failed';
-- name: counter_top freq: 100
SELECT name, value FROM counters WHERE scope_id = 1892 ORDER BY value DESC LIMIT 5;
-- name: account_post freq: 1000
UPDATE accounts SET balance = balance + 190.21, version = version + 1, updated_at = '2025-06-01 12:01:40+00:00' WHERE id = 14496;
-- name: account_get freq: 120
SELECT owner, currency, balance FROM accounts WHERE id = 2783;
-- name: entry_insert freq: 500
INSERT INTO entries (account_id, transfer_id, reference, kind, amount, booked_at) VALUES (7341, 401000, 'N4b377e8a2cb807a5d35fc7087eb7454a', 'debit', 199.62, '2025-06-01 12:01:40+00:00'), (5308, 401000, 'N4b377e8a2cb807a5d35fc7087eb7454b', 'credit', 199.62, '2025-06-01 12:01:40+00:00');
-- name: entry_account freq: 120
SELECT kind, amount, booked_at FROM entries WHERE account_id = 8583 ORDER BY booked_at DESC LIMIT 20;
-- name: entry_transfer freq: 2
SELECT account_id, kind, amount FROM entries WHERE transfer_id = 34680;
-- name: session_insert freq: 150
INSERT INTO sessions (token, user_id, ip, is_revoked, hits, created_at, last_seen, expires_at) VALUES ('b5e2c05f6e894fcf28150121820077b', 13906, '10.0.0.7', false, 0, '2025-06-01 12:01:40+00:00', '2025-06-01 12:01:40+00:00', '2025-06-16 12:01:40+00:00');
-- name: session_touch freq: 1600
UPDATE sessions SET last_seen = '2025-06-01 12:01:40+00:00', hits = hits + 1 WHERE token = '2774d07f97bb8c9ce760235eea0fb4ed';
-- name: session_token freq: 350
SELECT user_id, expires_at FROM sessions WHERE token = '0399b9167b7d595c4d8e2ac7e670f9a5' AND NOT is_revoked;
-- name: session_user freq: 5
SELECT id, ip, created_at FROM sessions WHERE user_id = 7529 ORDER BY last_seen DESC LIMIT 5;
-- name: session_idle freq: 1
SELECT count(*) FROM sessions WHERE last_seen < '2025-05-31 12:10:00+00:00';
-- name: session_end freq: 60
DELETE FROM sessions WHERE token = '69941211409cbf3ea25a4b9347e32cd7';
-- name: session_purge freq: 5
DELETE FROM sessions WHERE expires_at < '2025-06-02 12:10:00+00:00';
-- name: audit_insert freq: 700
INSERT INTO audit_log (at, actor_id, action, entity, entity_id, detail) VALUES ('2025-06-01 12:01:40+00:00', 241, 'change', 'site', 10533, '{"ip": "10.0.0.9", "field": "f88"}');
-- name: audit_entity freq: 2
SELECT at, actor_id, action FROM audit_log WHERE entity = 'site' AND entity_id = 19325 ORDER BY at DESC LIMIT 20;
-- name: audit_day freq: 4
SELECT action, count(*) FROM audit_log WHERE at >= '2025-05-31 07:10:27.921694+00:00' AND at < '2025-05-31 08:10:27.921694+00:00' GROUP BY action;
