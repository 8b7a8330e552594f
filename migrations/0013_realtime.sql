-- 0013_realtime.sql: expand. Changes are sent as they come, and vendors tell of theirs.
-- Rewrites sync_revisits, which is small, and locks sync_runs briefly.

alter table sync_runs drop constraint sync_runs_cause_check;
alter table sync_runs add constraint sync_runs_cause_check
  check (cause in ('schedule', 'catch_up', 'manual', 'retry', 'change'));
-- Each due time has one run; changes have no due times.
alter table sync_runs drop constraint sync_runs_connection_id_due_at_key;
create unique index sync_runs_one_a_due_time on sync_runs (connection_id, due_at) where cause <> 'change';

-- Tells whether a record was asked for again while it was being looked at.
alter table sync_revisits add column noted_in xid8 not null default pg_current_xact_id();

-- What vendors told, so that a delivery that comes again has no effect. Kept for a week: no vendor repeats for longer.
create table sync_hook_events (
  connection_id identifier not null references connections on delete cascade,
  digest bytea not null, -- SHA-256 of the event without what differs between attempts
  workspace_id identifier not null references workspaces,
  received_at timestamptz not null,
  primary key (connection_id, digest)
);
create index on sync_hook_events (received_at);
select throughline_isolate('sync_hook_events');

-- The calls that runs of cause 'change' took of a connection's day (UTC).
create table sync_lanes (
  connection_id identifier primary key references connections on delete cascade,
  workspace_id identifier not null references workspaces,
  day date not null,
  calls integer not null
);
select throughline_isolate('sync_lanes');
