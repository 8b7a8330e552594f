-- 0053_keys_of_a_person.sql: expand. A workspace that has just begun looks empty to the planner: an index that begins with it was
-- read whole for each key. Nothing comes next.
drop index person_keys_workspace_id_person_id_idx;
create index person_keys_person on person_keys (person_id);
