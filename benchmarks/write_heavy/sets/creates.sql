-- What the reads lack, chosen with the writes in mind: no key that a frequent update sets.
CREATE INDEX ON jobs (queue, priority DESC, run_at) WHERE status = 'queued';
CREATE INDEX ON alerts (opened_at) WHERE state = 'open';
CREATE INDEX ON devices (name);
CREATE INDEX ON entries (transfer_id);
CREATE INDEX ON sessions (user_id);
CREATE INDEX ON audit_log (entity_id);
