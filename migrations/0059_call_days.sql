-- 0059_call_days.sql: expand. In which zone the day of a connection's allowance of calls begins: the one in which the connected
-- system counts its own. Adds a column with a constant default (no rewrite); locks connections, which is small, for a moment.
-- Nothing comes next.

alter table connections add column call_day_zone text not null default 'UTC' check (length(call_day_zone) between 1 and 100);
