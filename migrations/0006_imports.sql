-- 0006_imports.sql: files that are imported row by row, what became of each, and which rows are known. Creates tables only; locks nothing.

create table imports (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  target text not null check (length(target) between 1 and 60),
  -- uploading: bytes are coming in. uploaded: waits for its start. queued, running: under way.
  state text not null check (state in ('uploading', 'uploaded', 'queued', 'running', 'done', 'failed', 'cancelled')),
  file_name text not null check (length(file_name) between 1 and 255),
  size_bytes bigint not null default 0,
  sha256 bytea, -- of the file as it came
  -- How the file is written, which column goes where, and what was chosen by hand; names of columns, no values.
  dialect jsonb not null default '{}',
  columns jsonb not null default '[]',
  choices jsonb not null default '{}',
  source text not null check (source ~ '^[a-z0-9_.-]{1,60}$'),
  zone text not null,
  -- The last record done; it moves in the transaction that performs the records up to it, with these counts, which sum to it.
  position integer not null default 0 check (position >= 0),
  created integer not null default 0,
  updated integer not null default 0,
  unchanged integer not null default 0,
  rejected integer not null default 0,
  bytes_read bigint not null default 0,
  -- Who is at it: a runner writes only while it holds the token, and whoever finds the time passed may take over.
  run_token text,
  held_until timestamptz,
  failures smallint not null default 0, -- runs that broke off since the position last moved
  error jsonb, -- code and detail of the problem that ended it
  created_by text not null,
  started_by text,
  started_by_kind text,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  trimmed_at timestamptz, -- the file and the rejected rows were removed
  check (created + updated + unchanged + rejected = position)
);
create index on imports (workspace_id, id desc);
create index imports_file on imports (workspace_id, sha256);
create index imports_open on imports (state) where state in ('uploading', 'queued', 'running');
create index imports_untrimmed on imports (created_at) where trimmed_at is null;
select throughline_isolate('imports');

-- The file in pieces, so that any process can go on with it.
create table import_chunks (
  workspace_id identifier not null references workspaces,
  import_id identifier not null references imports on delete cascade,
  seq integer not null check (seq >= 0),
  content bytea not null, -- sealed
  primary key (import_id, seq)
);
alter table import_chunks alter column content set storage external; -- sealed bytes do not compress
select throughline_isolate('import_chunks');

-- Rows that were not taken, whole, so that they can be corrected and imported again.
create table import_rejects (
  workspace_id identifier not null references workspaces,
  import_id identifier not null references imports on delete cascade,
  record integer not null check (record > 0),
  line integer not null,
  code text not null check (length(code) between 1 and 60),
  reason bytea not null, -- sealed: it may quote the cell
  cells bytea not null, -- sealed
  primary key (import_id, record)
);
select throughline_isolate('import_rejects');

-- Rows that were taken, by a keyed hash of what they said: the same row is not performed twice, whichever file it comes in.
create table import_rows (
  workspace_id identifier not null references workspaces,
  target text not null,
  row_key bytea not null,
  primary key (workspace_id, target, row_key)
);
select throughline_isolate('import_rows', 'select, insert, delete');
