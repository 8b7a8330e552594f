-- 0002_access.sql: who may call, what they did, and what was answered. Creates tables only; locks nothing.

create table workspaces (
  id identifier primary key,
  name text not null check (length(name) between 1 and 200),
  time_zone text not null default 'UTC',
  currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null
);
-- A workspace sees its own row and no other, and cannot change it.
alter table workspaces enable row level security;
create policy workspace_isolation on workspaces using (id = current_setting('throughline.workspace_id', true));
grant select on workspaces to throughline_app;

create table users (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  personal bytea not null, -- sealed: name, email
  roles text[] not null,
  active boolean not null default true,
  created_at timestamptz not null
);
create index on users (workspace_id);
select throughline_isolate('users');

-- A key is shown once and kept as a hash; the prefix finds it. Rotation: the old key goes on until expires_at.
create table api_keys (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  name text not null check (length(name) between 1 and 200),
  prefix text not null unique,
  secret_hash bytea not null,
  roles text[] not null,
  scopes text[] not null,
  rate_limit_per_minute integer not null check (rate_limit_per_minute > 0),
  created_at timestamptz not null,
  created_by identifier not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  rotated_to identifier,
  last_used_at timestamptz
);
create index on api_keys (workspace_id, id);
select throughline_isolate('api_keys');

create table sign_in_links (
  token_hash bytea primary key,
  workspace_id identifier not null references workspaces,
  user_id identifier not null references users,
  expires_at timestamptz not null,
  used_at timestamptz
);
select throughline_isolate('sign_in_links');

create table sessions (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  user_id identifier not null references users,
  token_hash bytea not null unique,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index on sessions (workspace_id, user_id);
select throughline_isolate('sessions');

create table audit_log (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  occurred_at timestamptz not null,
  principal_id text not null,
  principal_kind text not null,
  action text not null,
  subject_id text,
  detail jsonb not null default '{}', -- field names and references, never personal values
  request_id text
);
create index on audit_log (workspace_id, occurred_at desc, id desc);
create index on audit_log (workspace_id, subject_id, id desc);
select throughline_isolate('audit_log');
revoke update, delete on audit_log from throughline_app;

-- The answer to a request with an Idempotency-Key, kept for a day; the body is sealed because answers hold personal data.
create table idempotency_keys (
  workspace_id identifier not null references workspaces,
  principal_id text not null,
  operation text not null,
  key text not null check (length(key) between 1 and 255),
  request_hash bytea not null,
  status smallint,
  answer bytea,
  created_at timestamptz not null,
  primary key (workspace_id, principal_id, operation, key)
);
create index on idempotency_keys (created_at);
select throughline_isolate('idempotency_keys');
