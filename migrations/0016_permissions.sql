-- 0016_permissions.sql: who may do what beyond the built-in roles, under which circumstances, and who signed which integration.
-- Adds a column without default (no rewrite) and creates tables; locks api_keys briefly.

alter table api_keys add column tenants text[]; -- the customer accounts that the key is limited to; null: all

create table custom_roles (
  workspace_id identifier not null references workspaces,
  name text not null check (name ~ '^[a-z][a-z0-9_-]{1,39}$'),
  label text not null check (length(label) between 1 and 100),
  scopes text[] not null,
  created_at timestamptz not null,
  primary key (workspace_id, name)
);
select throughline_isolate('custom_roles');

-- A team is the owners in it: a record belongs to the teams of its owner.
create table teams (
  workspace_id identifier not null references workspaces,
  name text not null check (name ~ '^[a-z][a-z0-9_-]{1,39}$'),
  owner_ids text[] not null,
  created_at timestamptz not null,
  primary key (workspace_id, name)
);
select throughline_isolate('teams');

-- A right or a denial at a node of the tree org → domain → team → record; it holds for everything below the node.
create table permission_grants (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  subject text not null, -- a user, key or client by id, or role:<name>
  effect text not null check (effect in ('allow', 'deny')),
  scope text not null, -- leads:read, leads:*, *:read, *
  node text not null, -- org, domain:sales, team:emea, record:lead_…
  created_at timestamptz not null,
  created_by text not null,
  unique (workspace_id, subject, effect, scope, node)
);
select throughline_isolate('permission_grants');

create table context_rules (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  name text not null check (length(name) between 1 and 100),
  rule jsonb not null,
  created_at timestamptz not null
);
create index on context_rules (workspace_id, id);
select throughline_isolate('context_rules');

-- Who signed which connection for which domain. The fingerprint is of the connection as it was; another one needs new signatures.
create table integration_approvals (
  workspace_id identifier not null references workspaces,
  connection_id identifier not null,
  fingerprint text not null,
  domain text not null,
  approved_by text not null,
  approved_at timestamptz not null,
  primary key (workspace_id, connection_id, domain)
);
select throughline_isolate('integration_approvals');

create trigger custom_roles_changed after insert or update or delete on custom_roles for each statement execute function throughline_forget_credentials();
create trigger teams_changed after insert or update or delete on teams for each statement execute function throughline_forget_credentials();
create trigger permission_grants_changed after insert or update or delete on permission_grants for each statement execute function throughline_forget_credentials();
create trigger context_rules_changed after insert or update or delete on context_rules for each statement execute function throughline_forget_credentials();
