-- 0038_governance.sql: expand. How long each kind of record is kept, what a legal hold keeps beyond it, what each run removed, and
-- which erased addresses do not come back by an import or a sync. Creates tables; the two indexes lock sync_changes and audit_log
-- for writes while they are built. Nothing comes next.

-- A rule of the workspace for a kind; without one the kind's own default holds.
create table retention_rules (
  workspace_id identifier not null references workspaces,
  kind text not null,
  keep_days integer check (keep_days > 0), -- null: kept for good
  updated_at timestamptz not null,
  updated_by text not null, -- principal
  primary key (workspace_id, kind)
);
select throughline_isolate('retention_rules');

-- What must not go, whatever the rules and requests say: of a person, of all people of an account, or of a kind as a whole.
create table legal_holds (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  target text not null check (target in ('person', 'account', 'kind')),
  subject text collate "C" not null, -- the id of the person or account, or the kind
  reason text not null check (length(reason) between 1 and 1000), -- without personal data
  placed_by text not null,
  placed_at timestamptz not null,
  lifted_by text,
  lifted_at timestamptz,
  lift_reason text
);
create index legal_holds_standing on legal_holds (workspace_id, target, subject) where lifted_at is null;
create index on legal_holds (workspace_id, id desc);
select throughline_isolate('legal_holds', 'select, insert, update');

create table retention_runs (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  started_at timestamptz not null,
  ended_at timestamptz
);
create unique index retention_runs_one_open on retention_runs (workspace_id) where ended_at is null;
create index on retention_runs (workspace_id, id desc);
select throughline_isolate('retention_runs', 'select, insert, update');

-- One row for each kind that a run looks at, moved on by the transaction of each batch: a run that was killed goes on from here.
create table retention_run_kinds (
  run_id identifier not null references retention_runs,
  kind text not null,
  workspace_id identifier not null references workspaces,
  before timestamptz not null,
  removed integer not null default 0,
  held integer not null default 0, -- due and kept by a hold
  oldest timestamptz, -- of what was removed
  newest timestamptz,
  done_at timestamptz,
  primary key (run_id, kind)
);
select throughline_isolate('retention_run_kinds', 'select, insert, update');

create index sync_changes_at on sync_changes (workspace_id, at);

-- Who read the data of a person: entries of reads name the records that were shown.
create index audit_log_shown on audit_log using gin ((detail -> 'records')) where action = 'data.read';

-- Workspaces may add to the audit log and not take from it. Old entries go by this function alone: never one that is younger than a year
-- or not in the chain yet, and never without an entry that tells up to which position they went.
create function throughline_trim_audit(ids text[], told_id text, told_at timestamptz)
  returns table (count integer, oldest timestamptz, newest timestamptz)
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  own text := current_setting('throughline.workspace_id', true);
  through bigint;
begin
  with gone as (
    delete from audit_log a using audit_links l
    where a.id = any(ids) and a.workspace_id = own and l.audit_id = a.id and a.occurred_at <= told_at - interval '365 days'
    returning l.seq, a.occurred_at
  )
  select count(*)::integer, min(gone.occurred_at), max(gone.occurred_at), max(gone.seq) into count, oldest, newest, through from gone;
  if through is not null then
    insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, detail)
    values (told_id, own, told_at, 'system', 'system', 'audit.trimmed',
      jsonb_build_object('throughSeq', through, 'entries', count));
  end if;
  return next;
end
$$;
revoke execute on function throughline_trim_audit(text[], text, timestamptz) from public;
grant execute on function throughline_trim_audit(text[], text, timestamptz) to throughline_app;

-- Addresses whose person was erased on request, as keyed hashes and nothing else: what comes in under one of them by an import or a sync is
-- refused until somebody with the right lifts it.
create table suppressed_addresses (
  workspace_id identifier not null references workspaces,
  address_index bytea not null, -- HMAC-SHA256 under the workspace's index key
  request_id identifier not null,
  suppressed_at timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text,
  primary key (workspace_id, address_index)
);
select throughline_isolate('suppressed_addresses');
