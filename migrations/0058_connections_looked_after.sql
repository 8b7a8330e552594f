-- 0058_connections_looked_after.sql: expand. When credentials were given and when they end, so that somebody renews them before; a
-- domain that refuses a connection, with its reason; what a backfill was estimated to take and when it last moved, so that one that
-- stands still is told of. Each table is locked for an instant. Nothing comes next: older rows have none of it.
alter table connections add column credentials_at timestamptz, add column credentials_end_on date;

-- A refusal stands where the signature would: approved_by and approved_at say who decided, and when.
alter table integration_approvals add column refusal text check (length(refusal) between 1 and 1000);

alter table sync_backfills add column planned_calls integer, add column moved_at timestamptz;
