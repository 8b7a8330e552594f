-- 0005_sync.sql: connections to other systems, what is due to them, and what became of each record in each run.
-- Creates tables only; locks nothing.

create table connections (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  vendor text not null,
  name text not null check (length(name) between 1 and 200),
  settings bytea not null, -- sealed: base URL, credentials, options
  account text, -- how the vendor names the account
  state text not null default 'active' check (state in ('active', 'needs_login', 'paused')),
  prepared text, -- the preparation that was last done at the vendor
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  unique (workspace_id, name)
);
select throughline_isolate('connections');

create table sync_streams (
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  name text not null,
  entity text not null,
  direction text not null check (direction in ('pull', 'push')),
  every_minutes integer not null check (every_minutes between 1 and 44640),
  cadence_reason text not null,
  paused boolean not null default false,
  next_run_at timestamptz not null,
  cursor jsonb, -- opaque to the engine; committed together with the rows that it stands for
  last_run_at timestamptz, -- when a run of the stream last ended
  last_success_at timestamptz, -- when the stream was last gone through to its end
  reconciled_at timestamptz not null, -- when both sides were last compared whole
  position smallint not null, -- the order of a whole run
  version integer not null default 1,
  primary key (connection_id, name)
);
create index sync_streams_due on sync_streams (next_run_at) where not paused;
create index on sync_streams (workspace_id, entity, direction);
select throughline_isolate('sync_streams');

-- Who works on a connection. The fence grows with each take-over: a process that was stopped in between cannot commit.
create table sync_leases (
  connection_id identifier primary key references connections on delete cascade,
  workspace_id identifier not null references workspaces,
  fence bigint not null default 0,
  held_until timestamptz,
  run_id identifier
);
select throughline_isolate('sync_leases');

create table sync_runs (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  streams text[] not null,
  cause text not null check (cause in ('schedule', 'catch_up', 'manual', 'retry')),
  due_at timestamptz not null,
  reconcile boolean not null default false, -- asked to compare both sides whole
  slots integer not null default 1 check (slots >= 0), -- due times that this run answers for
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'partial', 'failed')),
  fence bigint,
  counts jsonb not null default '{}', -- stream → outcome → records
  calls integer not null default 0,
  attempts integer not null default 0, -- times that a process took it up
  queued_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  fault_stream text,
  fault_kind text,
  fault_detail text,
  retry_at timestamptz, -- when a run that a passing fault ended is tried again
  retries integer not null default 0, -- how many runs in a row ended so before this one
  unique (connection_id, due_at)
);
create unique index sync_runs_one_queued on sync_runs (connection_id) where state = 'queued';
create index on sync_runs (workspace_id, id desc);
create index on sync_runs (connection_id, id desc);
create index sync_runs_open on sync_runs (queued_at) where state in ('queued', 'running');
create index sync_runs_retry on sync_runs (retry_at) where retry_at is not null;
select throughline_isolate('sync_runs');

-- One row for each record in each run. `record` is the id of the side that it comes from: ours for a push, the vendor's for a pull.
create table sync_outcomes (
  run_id identifier not null references sync_runs on delete cascade,
  stream text not null,
  record text collate "C" not null,
  workspace_id identifier not null references workspaces,
  direction text not null check (direction in ('pull', 'push')),
  entity text not null,
  local_id identifier,
  external_id text,
  outcome text not null
    check (outcome in ('created', 'updated', 'unchanged', 'deleted', 'skipped', 'refused', 'conflict')),
  code text,
  detail text, -- without personal data
  at timestamptz not null,
  primary key (run_id, stream, record)
);
create index on sync_outcomes (workspace_id, entity, local_id, at desc) where local_id is not null;
select throughline_isolate('sync_outcomes');

create table sync_links (
  connection_id identifier not null references connections on delete cascade,
  workspace_id identifier not null references workspaces,
  entity text not null,
  local_id identifier not null,
  external_id text collate "C" not null,
  fingerprint bytea, -- SHA-256 of the properties that the vendor last took from us
  external_modified_at timestamptz,
  base bytea, -- sealed: the values that both sides last agreed on, for the three-way merge
  deleted_at timestamptz, -- the vendor's record is gone
  linked_at timestamptz not null,
  -- The record comes first: a new connection's rows have no statistics yet, and an index that begins with the connection
  -- looks to the planner as if that alone found one row.
  primary key (local_id, connection_id, entity),
  unique (external_id, connection_id, entity)
);
select throughline_isolate('sync_links');

-- Records with changes that the vendor has not seen. One row however many changes; the order is that of the first unsent one.
create table sync_pending (
  connection_id identifier not null references connections on delete cascade,
  entity text not null,
  local_id identifier not null,
  workspace_id identifier not null references workspaces,
  first_seq bigint not null,
  last_seq bigint not null,
  changed_in xid8 not null default pg_current_xact_id(), -- tells whether a change came in while the record was on its way
  since timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  held_code text, -- refused with this code: waits for a change of the record or for someone's retry
  primary key (local_id, connection_id, entity)
);
create index sync_pending_order on sync_pending (connection_id, entity, first_seq, local_id) where held_code is null;
select throughline_isolate('sync_pending');

-- Records of the vendor to be looked at again: on request (no reference), or once the record that they name has a link.
create table sync_revisits (
  connection_id identifier not null references connections on delete cascade,
  stream text not null,
  external_id text collate "C" not null,
  wants_entity text not null default '',
  wants_external_id text collate "C" not null default '',
  workspace_id identifier not null references workspaces,
  since timestamptz not null,
  primary key (connection_id, stream, external_id, wants_entity, wants_external_id)
);
create index on sync_revisits (connection_id, wants_entity, wants_external_id);
select throughline_isolate('sync_revisits');

-- What someone has to see to. An item stays open until its record succeeds or it is ignored with a reason.
-- `record` is as in sync_outcomes; empty for a fault of the stream as a whole.
create table sync_errors (
  connection_id identifier not null references connections on delete cascade,
  stream text not null,
  record text collate "C" not null,
  workspace_id identifier not null references workspaces,
  direction text not null check (direction in ('pull', 'push')),
  entity text not null,
  local_id identifier,
  external_id text,
  code text not null,
  detail text,
  state text not null default 'open' check (state in ('open', 'ignored')),
  owner text,
  reason text, -- why it is ignored
  occurrences integer not null default 1,
  first_at timestamptz not null,
  last_at timestamptz not null,
  last_run_id identifier not null,
  primary key (connection_id, stream, record)
);
create index on sync_errors (workspace_id, connection_id, stream, code);
select throughline_isolate('sync_errors');
