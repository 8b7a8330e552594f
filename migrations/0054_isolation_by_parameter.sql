-- 0054_isolation_by_parameter.sql: expand. The policies ask for the workspace by a sub-query, whose value the planner does not know: it then
-- takes a workspace to be as large as workspaces are on the average. Knowing the value, it took one that is not in a table's
-- statistics yet to be empty, and a join of three tables to compare every row with every other. Each table is locked for an instant.
-- Nothing comes next.
create or replace function throughline_isolate(table_name text, privileges text default 'select, insert, update, delete')
  returns void language plpgsql as $$
declare
  target regclass := table_name::regclass;
  used_sequence regclass;
begin
  execute format('alter table %s enable row level security', target);
  execute format(
    'alter table %s alter column workspace_id set default current_setting(''throughline.workspace_id'', true)', target);
  execute format(
    'create policy workspace_isolation on %s'
    ' using (workspace_id = (select current_setting(''throughline.workspace_id'', true)))'
    ' with check (workspace_id = current_setting(''throughline.workspace_id'', true))', target);
  execute format('grant %s on %s to throughline_app', privileges, target);
  for used_sequence in
    select s.oid::regclass from pg_class s
    join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
    where s.relkind = 'S' and d.refobjid = target and d.deptype in ('a', 'i')
  loop
    execute format('grant usage, select on sequence %s to throughline_app', used_sequence);
  end loop;
end
$$;

do $$
declare
  target text;
begin
  for target in
    select quote_ident(tablename) from pg_policies
    where schemaname = current_schema() and policyname = 'workspace_isolation' and tablename <> 'workspaces'
  loop
    execute format(
      'alter policy workspace_isolation on %s using (workspace_id = (select current_setting(''throughline.workspace_id'', true)))',
      target);
  end loop;
end
$$;
