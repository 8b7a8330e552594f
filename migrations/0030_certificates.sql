-- 0030_certificates.sql: expand. What a run wrote is read back, and what is not there is named. Adds a column with a constant
-- default (no rewrite); locks sync_runs for a moment. Nothing comes next.

alter table sync_runs add column check_calls integer not null default 0; -- calls of the check, apart from `calls`

-- Records that were written and not yet read back. Only the run that holds the connection writes or removes rows.
create table sync_unproved (
  connection_id identifier not null references connections on delete cascade,
  entity text not null,
  local_id identifier not null,
  workspace_id identifier not null references workspaces,
  before bytea, -- sealed: what both sides agreed on before the write, by field written; null: the record is new there
  primary key (connection_id, entity, local_id)
);
select throughline_isolate('sync_unproved');

-- What the hub believes to be at the vendor after a run, and what is there: one row a stream that writes.
create table sync_certificates (
  run_id identifier not null references sync_runs on delete cascade,
  stream text not null,
  workspace_id identifier not null references workspaces,
  scope text not null check (scope in ('written', 'whole')),
  here_count integer not null,
  here_hash text not null, -- under a key of its own each time: it says nothing of the values
  there_count integer not null,
  there_hash text not null,
  buckets integer not null,
  differing_buckets integer not null,
  missing integer not null,
  lost integer not null, -- records of which a field is as it was before our write
  gone integer not null, -- proved once and not there any more: looked at again by the next run
  changed_there integer not null, -- differ because somebody changed them there since; no fault
  checked_at timestamptz not null,
  primary key (run_id, stream)
);
select throughline_isolate('sync_certificates');
