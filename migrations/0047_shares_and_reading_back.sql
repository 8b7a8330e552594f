-- 0047_shares_and_reading_back.sql: expand. How much of what was written a connection reads back, and how its allowance of calls is
-- shared among its streams. Adds columns with constant defaults (no rewrite); locks connections, sync_streams, sync_certificates and
-- sync_call_days, which are small, for a moment. Nothing comes next.

alter table connections
  add column read_back text not null default 'full' check (read_back in ('full', 'sample', 'off')),
  -- Of the allowance of calls a day, in percent: what only changes that go at once may use.
  add column live_percent smallint not null default 10 check (live_percent between 0 and 90);

alter table sync_certificates
  add column read_back text not null default 'full' check (read_back in ('full', 'sample', 'off')),
  add column unread_count integer not null default 0; -- in its scope, and not read back: nothing is proved of them

-- Of what the allowance leaves to scheduled runs, in percent; null: what no stream has for itself, with others like it.
alter table sync_streams
  add column call_percent smallint check (call_percent between 0 and 100),
  -- Who borrows first, late in the day, of what others do not use.
  add column call_priority text not null default 'normal' check (call_priority in ('high', 'normal', 'low'));

-- Who took the calls: a stream of scheduled runs, changes that went at once ('live'), or the connection as a whole ('').
alter table sync_call_days add column taken_by text not null default '';
alter table sync_call_days drop constraint sync_call_days_pkey;
alter table sync_call_days add primary key (connection_id, day, taken_by);

-- The calls of a run, stream by stream; '' are those of the connection as a whole, such as logins.
create table sync_run_calls (
  run_id identifier not null references sync_runs on delete cascade,
  stream text not null,
  workspace_id identifier not null references workspaces,
  calls integer not null default 0,
  check_calls integer not null default 0,
  primary key (run_id, stream)
);
select throughline_isolate('sync_run_calls');

-- Which streams a run that is tried again goes through; null: all of its own.
alter table sync_runs add column retry_streams text[];
