-- 0045_undo.sql: expand. What a run wrote can be taken back: an undo is a plan like that of a push, of both sides. Adds columns with
-- constant defaults and widens checks and a key (an index is built anew over sync_planned_changes and sync_runs); locks
-- sync_runs, sync_change_plans and sync_planned_changes for that time. Nothing comes next.

alter table sync_runs drop constraint sync_runs_cause_check;
alter table sync_runs add constraint sync_runs_cause_check
  check (cause in ('schedule', 'catch_up', 'manual', 'retry', 'change', 'plan', 'undo', 'backfill'));
drop index sync_runs_one_a_due_time;
create unique index sync_runs_one_a_due_time on sync_runs (connection_id, due_at)
  where cause not in ('change', 'undo', 'backfill');

alter table sync_change_plans
  add column undoes identifier, -- the run whose writes go back; runs are tidied away before plans are
  add column removes_created boolean not null default false; -- records that the run made there go as well
create index on sync_change_plans (undoes) where undoes is not null;

alter table sync_planned_changes
  add column side text not null default 'there' check (side in ('there', 'here')); -- where it is written
alter table sync_planned_changes drop constraint sync_planned_changes_pkey;
alter table sync_planned_changes add primary key (plan_id, entity, local_id, side);
alter table sync_planned_changes drop constraint sync_planned_changes_state_check;
alter table sync_planned_changes add constraint sync_planned_changes_state_check
  check (state in ('planned', 'sent', 'refused', 'outdated', 'proved', 'changed_there', 'not_there', 'kept'));
