-- What the fleet's developers made over the years: some of it good, some of it waste.
ALTER TABLE devices ADD PRIMARY KEY (id), ADD CONSTRAINT devices_serial_key UNIQUE (serial);
ALTER TABLE device_settings ADD PRIMARY KEY (id);
ALTER TABLE readings ADD PRIMARY KEY (id);
ALTER TABLE rollups ADD PRIMARY KEY (device_id, day);
ALTER TABLE alerts ADD PRIMARY KEY (id);
ALTER TABLE jobs ADD PRIMARY KEY (id);
ALTER TABLE job_attempts ADD PRIMARY KEY (id);
ALTER TABLE counters ADD PRIMARY KEY (id), ADD CONSTRAINT counters_scope_name_key UNIQUE (scope_id, name);
ALTER TABLE accounts ADD PRIMARY KEY (id);
ALTER TABLE entries ADD PRIMARY KEY (id), ADD CONSTRAINT entries_reference_key UNIQUE (reference);
ALTER TABLE sessions ADD PRIMARY KEY (id), ADD CONSTRAINT sessions_token_key UNIQUE (token);
ALTER TABLE audit_log ADD PRIMARY KEY (id);
-- Support for cascading deletes: no statement names them, and the first is never scanned.
CREATE INDEX device_settings_device_id_idx ON device_settings (device_id);
CREATE INDEX job_attempts_job_id_idx ON job_attempts (job_id);
ALTER TABLE device_settings ADD FOREIGN KEY (device_id) REFERENCES devices (id) ON DELETE CASCADE;
ALTER TABLE job_attempts ADD FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE;
ALTER TABLE alerts ADD FOREIGN KEY (device_id) REFERENCES devices (id);
-- Good ones.
CREATE INDEX devices_site_id_idx ON devices (site_id);
CREATE INDEX readings_taken_at_idx ON readings (taken_at);
CREATE INDEX alerts_device_id_idx ON alerts (device_id);
CREATE INDEX entries_account_id_booked_at_idx ON entries (account_id, booked_at);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX audit_log_at_idx ON audit_log (at);
-- Prefixes and duplicates of others.
CREATE INDEX readings_device_id_idx ON readings (device_id);
CREATE INDEX entries_account_id_idx ON entries (account_id);
CREATE INDEX counters_scope_id_idx ON counters (scope_id);
CREATE INDEX audit_log_at_idx1 ON audit_log (at);
-- A wide one that a narrow one can replace.
CREATE INDEX readings_cover_idx ON readings (device_id, metric, taken_at, value, quality);
-- Flags and kinds that nobody asks for.
CREATE INDEX devices_state_idx ON devices (state);
CREATE INDEX readings_quality_idx ON readings (quality);
CREATE INDEX sessions_is_revoked_idx ON sessions (is_revoked);
CREATE INDEX entries_kind_idx ON entries (kind);
CREATE INDEX audit_log_actor_id_idx ON audit_log (actor_id);
-- On columns that every update sets: no update of theirs is heap-only.
CREATE INDEX jobs_status_idx ON jobs (status);
CREATE INDEX jobs_queue_status_idx ON jobs (queue, status);
CREATE INDEX jobs_updated_at_idx ON jobs (updated_at);
CREATE INDEX counters_value_idx ON counters (value);
CREATE INDEX accounts_updated_at_idx ON accounts (updated_at);
CREATE INDEX accounts_balance_idx ON accounts (balance);
CREATE INDEX alerts_state_idx ON alerts (state);
