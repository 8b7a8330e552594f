-- 0011_two_way.sql: expand. Streams that go both ways, merges field by field, the conflict inbox and workspaces' own mappings.
-- Locks the sync tables briefly (no rewrite).

alter table sync_streams drop constraint sync_streams_direction_check;
alter table sync_streams add constraint sync_streams_direction_check check (direction in ('pull', 'push', 'both'));
-- How far the records that existed before the connection are queued; `cursor` is the pull's alone from now on.
alter table sync_streams add column seed jsonb;
update sync_streams set seed = cursor, cursor = null where direction = 'push';

alter table sync_links
  add column raw bytea, -- sealed: the vendor's own values, also of fields that nothing is mapped to
  add column gone_to text; -- the vendor's record that it was merged into or converted to

-- When each field last changed, by the events that told of it: field → RFC 3339.
alter table sync_pending add column fields jsonb not null default '{}';

-- What a merge or a push did to a record, field by field: who, when, which run, and the value that gave way.
-- A record's first arrival is not in here: its link tells that.
create table sync_changes (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  entity text not null,
  local_id identifier not null,
  external_id text collate "C" not null,
  run_id identifier, -- null: a person's decision in the inbox
  actor text, -- who decided, when a person did
  at timestamptz not null,
  fields text[] not null,
  detail bytea not null -- sealed: of each field the base, both sides, their clocks, the policy and the verdict
);
create index on sync_changes (workspace_id, entity, local_id, id desc);
create index on sync_changes (connection_id, entity, id);
select throughline_isolate('sync_changes');

-- Fields that both sides changed and that nobody but a person decides.
create table sync_conflicts (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  stream text not null,
  entity text not null,
  local_id identifier not null,
  external_id text collate "C" not null,
  field text not null,
  sides bytea not null, -- sealed: base, ours, theirs, and what is to be put back by an undo
  ours_at timestamptz,
  theirs_at timestamptz,
  state text not null default 'open' check (state in ('open', 'resolved', 'agreed')),
  choice text check (choice in ('hub', 'crm', 'value')),
  note text,
  owner text,
  due_at timestamptz not null,
  run_id identifier,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  resolved_at timestamptz,
  resolved_by text,
  version integer not null default 1
);
create unique index sync_conflicts_open on sync_conflicts (local_id, connection_id, entity, field) where state = 'open';
create index on sync_conflicts (workspace_id, state, id);
create index on sync_conflicts (connection_id);
select throughline_isolate('sync_conflicts');

-- A workspace's rules for fields: another policy for one of the connector's own, or a mapping of a custom field.
create table sync_field_rules (
  connection_id identifier not null references connections on delete cascade,
  workspace_id identifier not null references workspaces,
  entity text not null,
  field text not null check (length(field) between 1 and 200),
  property text check (length(property) between 1 and 200), -- null: the connector's own mapping
  direction text check (direction in ('pull', 'push', 'both')), -- null: as the connector has it
  policy text check (policy in ('prefer_hub', 'prefer_crm', 'prefer_crm_unless_blank', 'latest', 'ask', 'off')),
  transform jsonb not null default '{"kind": "none"}',
  updated_at timestamptz not null,
  version integer not null default 1,
  primary key (connection_id, entity, field)
);
select throughline_isolate('sync_field_rules');
