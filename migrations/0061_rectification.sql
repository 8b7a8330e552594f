-- 0061_rectification.sql: expand. Requests of people that what is held of them be put right, here and at connected systems.
-- Locks privacy_requests for a moment (few rows, no rewrite). Nothing comes next.
alter table privacy_requests drop constraint privacy_requests_kind_check;
alter table privacy_requests add constraint privacy_requests_kind_check
  check (kind in ('access', 'erasure', 'rectification'));
alter table privacy_requests add column fields text[]; -- names of what is to be put right
alter table privacy_requests add column changes bytea; -- sealed: what was asked, and once carried out what stood before

-- Records at connected systems that are to have what was put right, and whether they do.
create table sync_rectifications (
  request_id identifier not null,
  connection_id identifier not null references connections on delete cascade,
  entity text not null,
  local_id identifier not null,
  external_id text collate "C" not null,
  workspace_id identifier not null references workspaces,
  expected bytea, -- sealed values by field; null once the person was erased
  state text not null default 'waiting' check (state in ('waiting', 'done', 'by_hand')),
  attempts integer not null default 0,
  detail text, -- without personal data
  asked_at timestamptz not null,
  done_at timestamptz,
  primary key (request_id, connection_id, entity, local_id)
);
create index on sync_rectifications (workspace_id, connection_id) where state <> 'done';
select throughline_isolate('sync_rectifications');
