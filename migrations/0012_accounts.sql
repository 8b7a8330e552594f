-- 0012_accounts.sql: expand. Companies and activities as CRMs keep them, and which account a lead or an opportunity belongs to.
-- Creates tables only; locks nothing.

create table accounts (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  detail bytea not null, -- sealed JSON: the fields and references of the entity
  deleted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1
);
create index on accounts (workspace_id, id) where deleted_at is null;
select throughline_isolate('accounts');

create table activities (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  detail bytea not null, -- sealed JSON, as in accounts: subjects and notes name people
  deleted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1
);
create index on activities (workspace_id, id) where deleted_at is null;
select throughline_isolate('activities');

-- The account of a lead or an opportunity.
create table account_records (
  workspace_id identifier not null references workspaces,
  record_id identifier not null,
  account_id identifier not null references accounts,
  primary key (workspace_id, record_id)
);
create index on account_records (workspace_id, account_id);
select throughline_isolate('account_records');
