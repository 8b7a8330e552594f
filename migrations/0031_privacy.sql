-- 0031_privacy.sql: expand. Requests of people about their own data: what is held of them, and its erasure here and at connected systems.
-- Adds a column without default (no rewrite); locks people for a moment. Nothing comes next.

-- Set once a person was erased: what is left stands for somebody whom nothing names any more, so that figures keep their sums.
alter table people add column erased_at timestamptz;

create table privacy_requests (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  kind text not null check (kind in ('access', 'erasure')),
  state text not null default 'received' check (state in ('received', 'approved', 'refused')),
  person_id identifier not null references people,
  note text not null, -- how the request came and how identity was proved; without personal data
  requested_by text not null, -- principal
  requested_at timestamptz not null,
  due_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  decision text, -- why it was refused
  erased jsonb, -- rows by table
  version integer not null default 1
);
create index on privacy_requests (workspace_id, requested_at desc, id desc);
select throughline_isolate('privacy_requests');

-- Records that connected systems are to erase, and what they answered.
create table sync_erasures (
  connection_id identifier not null references connections on delete cascade,
  entity text not null,
  external_id text collate "C" not null,
  workspace_id identifier not null references workspaces,
  request_id identifier not null,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'by_hand')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  detail text, -- what the system said, without personal data
  asked_at timestamptz not null,
  done_at timestamptz,
  primary key (connection_id, entity, external_id)
);
create index on sync_erasures (request_id);
create index on sync_erasures (next_attempt_at) where state = 'waiting';
select throughline_isolate('sync_erasures');
