-- 0032_call_budget.sql: expand. How many calls a day a connection may make, and how many it made. Adds a column (no rewrite); locks
-- connections for a moment. Nothing comes next.

alter table connections add column daily_calls integer check (daily_calls > 0); -- null: as many as the vendor lets it

-- Calls that were taken from a day's allowance, in blocks: what a process that died did not use of its block is lost, never more.
create table sync_call_days (
  connection_id identifier not null references connections on delete cascade,
  day date not null, -- UTC
  workspace_id identifier not null references workspaces,
  taken integer not null default 0,
  primary key (connection_id, day)
);
select throughline_isolate('sync_call_days');
