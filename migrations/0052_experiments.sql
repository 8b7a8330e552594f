-- 0052_experiments.sql: expand. Experiments that are planned and what came of them; their results calibrate the data-driven model.
-- Locks nothing that exists. Nothing comes next.

create table experiments (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  channel text not null check (length(channel) between 1 and 60),
  state text not null check (state in ('planned', 'done', 'cancelled')),
  holdout_share float8 not null check (holdout_share > 0 and holdout_share < 1),
  weeks integer not null check (weeks between 1 and 104),
  starts_on date not null,
  proposal jsonb, -- the arithmetic that spoke for it when it was planned; null: nobody asked, or nothing was known
  result jsonb, -- people and conversions of both arms, the lift and its variance; null until it is done
  created_at timestamptz not null,
  created_by text not null,
  closed_at timestamptz
);
select throughline_isolate('experiments');
create index on experiments (workspace_id, id);
create unique index experiments_planned on experiments (workspace_id, channel) where state = 'planned';
