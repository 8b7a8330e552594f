-- 0046_backfills.sql: expand. One field of the records that exist already is filled, beside live sync. Creates a table only; locks
-- nothing. Nothing comes next.

create table sync_backfills (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  run_id identifier not null, -- its outcomes are kept under this run; runs are tidied away before
  stream text not null,
  entity text not null,
  field text not null,
  direction text not null check (direction in ('in', 'out')),
  share smallint not null check (share between 1 and 100), -- percent of a day's calls that it may take
  state text not null check (state in ('running', 'paused', 'done', 'cancelled', 'failed')),
  position text collate "C" not null default '', -- all records up to this id are through
  total integer not null, -- linked records when it was asked for
  done integer not null default 0,
  day date, -- UTC; `day_calls` are of this day
  day_calls integer not null default 0,
  waits_for text check (waits_for in ('live_sync', 'calls', 'connection', 'plan', 'vendor')), -- why it stands still
  resume_at timestamptz, -- not before
  fault_kind text,
  fault_detail text, -- without personal data
  asked_by text not null,
  asked_at timestamptz not null,
  decided_by text, -- who paused, resumed or cancelled it last
  ended_at timestamptz,
  version integer not null default 1
);
select throughline_isolate('sync_backfills');
create unique index sync_backfills_open on sync_backfills (connection_id, stream, field) where state in ('running', 'paused', 'failed');
create index on sync_backfills (workspace_id, id);
create index sync_backfills_running on sync_backfills (id) where state = 'running';
