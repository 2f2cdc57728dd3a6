-- What is safe to drop and leaves every plan of the workload as it is: prefixes, duplicates, never scanned.
DROP INDEX readings_device_id_idx;
DROP INDEX readings_quality_idx;
DROP INDEX entries_account_id_idx;
DROP INDEX entries_kind_idx;
DROP INDEX counters_scope_id_idx;
DROP INDEX counters_value_idx;
DROP INDEX audit_log_at_idx1;
DROP INDEX audit_log_actor_id_idx;
DROP INDEX devices_state_idx;
DROP INDEX sessions_is_revoked_idx;
DROP INDEX accounts_updated_at_idx;
DROP INDEX accounts_balance_idx;
DROP INDEX jobs_updated_at_idx;
