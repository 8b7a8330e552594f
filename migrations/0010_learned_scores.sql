-- 0010_learned_scores.sql: models learned from a workspace's own outcomes, and the probabilities that promoted ones give.
-- Creates tables only; locks nothing.

-- One training. It becomes a candidate by itself and is promoted by a person only.
create table learned_models (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  target text not null check (target in ('lead_qualified', 'lead_won', 'opportunity_won')),
  horizon_days integer check (horizon_days between 7 and 730), -- null where the outcome has no time limit
  status text not null check (status in ('training', 'candidate', 'promoted', 'retired', 'refused')),
  requested_at timestamptz not null,
  requested_by text not null,
  trained_at timestamptz,
  refusal text,
  report jsonb, -- what it was trained on and how right it was on later outcomes
  model jsonb, -- levels of features are in it: channels, campaigns, countries; nothing that names a person
  promoted_at timestamptz,
  promoted_by text,
  version integer not null default 1
);
create unique index learned_models_promoted on learned_models (workspace_id, target) where status = 'promoted';
create index learned_models_list on learned_models (workspace_id, id desc);
select throughline_isolate('learned_models');

-- The newest probability of each lead or opportunity by the promoted model of a target; replaced, not kept.
create table learned_scores (
  workspace_id identifier not null references workspaces,
  target text not null,
  subject_id identifier not null, -- a lead or an opportunity
  model_id identifier not null references learned_models,
  probability double precision not null check (probability between 0 and 1),
  low double precision not null,
  high double precision not null,
  features bytea not null, -- sealed: the values that it was computed from
  scored_at timestamptz not null,
  primary key (workspace_id, target, subject_id)
);
create index learned_scores_list on learned_scores (workspace_id, target, probability desc, subject_id desc);
select throughline_isolate('learned_scores');
