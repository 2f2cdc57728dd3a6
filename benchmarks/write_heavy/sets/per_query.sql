-- What suits each read best when writes are not asked: keys that updates set, wide ones, one for each statement.
CREATE INDEX ON readings (device_id, taken_at) INCLUDE (metric, value);
CREATE INDEX ON devices (site_id, name) INCLUDE (last_seen);
CREATE INDEX ON devices (name text_pattern_ops);
CREATE INDEX ON devices (last_seen);
CREATE INDEX ON alerts (state, opened_at);
CREATE INDEX ON jobs (queue, status, priority DESC, run_at);
CREATE INDEX ON counters (scope_id, value DESC);
CREATE INDEX ON entries (account_id, booked_at) INCLUDE (kind, amount);
CREATE INDEX ON entries (transfer_id);
CREATE INDEX ON sessions (user_id, last_seen);
CREATE INDEX ON sessions (last_seen);
CREATE INDEX ON audit_log (entity, entity_id, at);
