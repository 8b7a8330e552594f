-- 0000_foundation.sql: what every later migration stands on. Isolation of workspaces, their keys, the type of ids.
-- Locks nothing that exists. The role throughline_app was made before this file runs (src/store/migrate.ts).

-- Ids are ASCII and sort by bytes, whatever the locale of the database: "C" keeps their indexes small and their order fixed.
create domain identifier as text collate "C";

grant usage on schema public to throughline_app;

-- Gives a table with a workspace_id column to workspaces: under the role throughline_app a transaction sees and writes the
-- rows of the workspace named by throughline.workspace_id and no others, and new rows get that workspace by default.
-- Row-level security is not forced on the owner: the engines (relay, scheduler, key look-up) work across workspaces.
create function throughline_isolate(table_name text, privileges text default 'select, insert, update, delete')
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
    ' using (workspace_id = current_setting(''throughline.workspace_id'', true))'
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
revoke execute on function throughline_isolate(text, text) from public;

-- The keys of each workspace, wrapped by a key of the key file. No grant: only the store itself reads them.
create table workspace_keys (
  workspace_id identifier not null,
  kind text not null check (kind in ('data', 'index')),
  generation smallint not null default 1 check (generation between 1 and 255),
  key_id text not null check (length(key_id) <= 100),
  wrapped bytea not null,
  primary key (workspace_id, kind, generation)
);
create index workspace_keys_by_key on workspace_keys (key_id);
