-- 0042_change_plans.sql: expand. What a connection would write, shown and signed before it is written. Adds a column (no rewrite) and
-- widens a check of sync_runs; locks connections and sync_runs for a moment. Nothing comes next.

alter table connections add column plan_above integer check (plan_above >= 0); -- null: nothing has to be planned

alter table sync_runs drop constraint sync_runs_cause_check;
alter table sync_runs add constraint sync_runs_cause_check
  check (cause in ('schedule', 'catch_up', 'manual', 'retry', 'change', 'plan'));

create table sync_change_plans (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  connection_id identifier not null references connections on delete cascade,
  state text not null check (state in ('building', 'proposed', 'approved', 'done', 'discarded', 'failed')),
  built_in identifier not null, -- the run; runs are tidied away before plans are
  streams text[] not null,
  prepares boolean not null default false, -- fields of the hub's own are made there first
  left_out jsonb not null default '{}', -- stream → why → records that are due and would not be written
  made_by text, -- null: the limit of the connection asked for it
  made_at timestamptz not null,
  proposed_at timestamptz,
  decided_by text,
  decided_at timestamptz,
  done_at timestamptz
);
select throughline_isolate('sync_change_plans');
create unique index sync_change_plans_open on sync_change_plans (connection_id) where state in ('building', 'proposed', 'approved');
create index on sync_change_plans (workspace_id, id);

create table sync_planned_changes (
  plan_id identifier not null references sync_change_plans on delete cascade,
  seq bigint generated always as identity,
  workspace_id identifier not null references workspaces,
  stream text not null,
  entity text not null,
  local_id identifier not null,
  external_id text,
  action text not null check (action in ('create', 'update', 'delete')),
  detail bytea not null, -- sealed: the properties as they will be sent, and each field before and after
  changed_in xid8 not null, -- of the pending row when it was planned: what changed here later stays due
  state text not null default 'planned'
    check (state in ('planned', 'sent', 'refused', 'outdated', 'proved', 'changed_there', 'not_there')),
  note text,
  primary key (plan_id, entity, local_id)
);
select throughline_isolate('sync_planned_changes');
create unique index on sync_planned_changes (plan_id, seq);
create index on sync_planned_changes (plan_id, stream, seq);
create index on sync_planned_changes (workspace_id, local_id);

create table sync_plan_signatures (
  plan_id identifier not null references sync_change_plans on delete cascade,
  domain text not null,
  workspace_id identifier not null references workspaces,
  approved_by text not null,
  approved_at timestamptz not null,
  primary key (plan_id, domain)
);
select throughline_isolate('sync_plan_signatures');
