-- 0050_own_keys.sql: expand. API keys that belong to a person: they can do what that person may, and end with their access.
-- A column that may be empty (no rewrite); locks api_keys for a moment. Nothing comes next.
alter table api_keys add column owner_id identifier references users;
create index api_keys_by_owner on api_keys (owner_id, id) where owner_id is not null;
