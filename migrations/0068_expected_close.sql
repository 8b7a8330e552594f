-- 0068_expected_close.sql: expand. The day on which a deal is expected to close, and each day on which it was expected to before.
-- Adds a nullable column (no rewrite) and a table. Nothing is filled in: what a CRM said before is not known here, and deals get
-- their day with the next change or with a backfill of the field closesOn. Nothing comes next.

alter table opportunities add column closes_on date;

create table opportunity_close_dates (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null references opportunities,
  -- When the CRM changed it, while the deal was open.
  known_at timestamptz not null,
  -- Null: the CRM took the day back.
  closes_on date,
  primary key (workspace_id, opportunity_id, known_at)
);
create index on opportunity_close_dates (workspace_id, known_at);
select throughline_isolate('opportunity_close_dates');
