-- 0044_opportunity_roles.sql: expand. Which role a person has in an opportunity, and who is the main one. Adds columns (no rewrite);
-- locks opportunity_people for a moment. Nothing comes next.

alter table opportunity_people
  add column role text check (length(role) between 1 and 100), -- in the words of the CRM, such as Decision Maker
  add column is_primary boolean not null default false;
