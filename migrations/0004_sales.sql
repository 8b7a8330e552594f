-- 0004_sales.sql: leads, how they are scored and routed, and the opportunities they become. Creates tables only; locks nothing.

create table owners (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  personal bytea not null, -- sealed: name, email
  email_index bytea,
  active boolean not null default true,
  daily_capacity integer check (daily_capacity > 0), -- null: no limit
  absent_from timestamptz,
  absent_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index owners_email on owners (workspace_id, email_index) where email_index is not null;
select throughline_isolate('owners');

-- The published routing rules, newest version wins; older ones stay for "why this owner".
create table routing_versions (
  workspace_id identifier not null references workspaces,
  version integer not null,
  rules jsonb not null,
  published_at timestamptz not null,
  published_by text not null,
  primary key (workspace_id, version)
);
select throughline_isolate('routing_versions');

-- Whose turn it is: how many leads each owner has got from each rule, in all and on `day` (UTC), and when last in the rotation.
create table routing_counters (
  workspace_id identifier not null references workspaces,
  rule_id text not null,
  owner_id identifier not null references owners,
  assigned integer not null default 0,
  day date not null,
  assigned_today integer not null default 0,
  turn integer not null default 0, -- the owner of a rule with the lowest is next
  primary key (workspace_id, rule_id, owner_id)
);
select throughline_isolate('routing_counters');

create table scoring_versions (
  workspace_id identifier not null references workspaces,
  version integer not null,
  model jsonb not null,
  published_at timestamptz not null,
  published_by text not null,
  primary key (workspace_id, version)
);
select throughline_isolate('scoring_versions');

create table leads (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  person_id identifier not null references people,
  status text not null check (status in ('new', 'working', 'qualified', 'disqualified')),
  is_customer boolean not null default false,
  channel text not null,
  campaign_id identifier references campaigns,
  -- What scoring and routing look at; company facts, not personal ones: country, region, industry, employees, company, domain.
  attributes jsonb not null default '{}',
  custom bytea, -- sealed JSON: fields of the source that have no place of their own
  fit_score smallint not null,
  engagement_score smallint not null,
  score smallint not null,
  score_parts jsonb not null, -- contributions that sum to the scores
  score_version integer not null,
  scored_at timestamptz not null,
  override_score smallint check (override_score between 0 and 100),
  override_reason text,
  override_by text,
  override_until timestamptz,
  mql_at timestamptz, -- the first crossing of the threshold
  owner_id identifier references owners,
  routing jsonb not null default '{}', -- rule, version and reason: why this owner
  disposition text, -- reason code of accept or reject
  captured_at timestamptz not null, -- of its earliest submission; channel and campaign are that one's
  merged_into identifier references leads, -- its person turned out to be another one, who has a lead
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  unique (workspace_id, person_id)
);
create index leads_list on leads (workspace_id, created_at desc, id desc) where merged_into is null;
create index leads_merged on leads (workspace_id, merged_into) where merged_into is not null;
create index leads_waiting on leads (workspace_id, person_id) where owner_id is null and merged_into is null;
create index leads_owner on leads (workspace_id, owner_id, created_at desc);
create index leads_campaign on leads (workspace_id, campaign_id, captured_at) where campaign_id is not null;
create index leads_captured on leads (workspace_id, captured_at);
create index leads_mql on leads (workspace_id, mql_at) where mql_at is not null;
select throughline_isolate('leads');

-- Every submission, also the repeated ones: one lead, as many receipts as there were submissions.
create table lead_captures (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  lead_id identifier not null references leads,
  match text not null, -- new, existing_lead, existing_person, customer
  source text not null,
  channel text not null,
  campaign_id identifier references campaigns,
  touchpoint_id identifier,
  captured_at timestamptz not null,
  received_at timestamptz not null
);
create index on lead_captures (workspace_id, lead_id, received_at);
select throughline_isolate('lead_captures');

create table lead_scores (
  workspace_id identifier not null references workspaces,
  lead_id identifier not null references leads,
  scored_at timestamptz not null,
  fit_score smallint not null,
  engagement_score smallint not null,
  score smallint not null,
  cause text not null, -- capture, touch, decay, model, override, override_lifted, merge, change
  primary key (workspace_id, lead_id, scored_at)
);
select throughline_isolate('lead_scores');

create table tasks (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  lead_id identifier not null references leads,
  kind text not null check (kind in ('follow_up')),
  owner_id identifier references owners,
  state text not null default 'open' check (state in ('open', 'done', 'cancelled')),
  due_at timestamptz not null,
  escalated_at timestamptz,
  closed_at timestamptz,
  created_at timestamptz not null
);
create unique index tasks_one_open on tasks (workspace_id, lead_id, kind) where state = 'open';
create index tasks_due on tasks (workspace_id, due_at) where state = 'open' and escalated_at is null;
create index tasks_list on tasks (workspace_id, created_at desc, id desc);
select throughline_isolate('tasks');

create table pipelines (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  label text not null,
  archived boolean not null default false,
  updated_at timestamptz not null
);
select throughline_isolate('pipelines');

create table stages (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  pipeline_id identifier references pipelines, -- null: the CRM named one that is not known here yet
  label text not null,
  position integer not null,
  probability double precision not null check (probability between 0 and 1),
  outcome text not null check (outcome in ('open', 'won', 'lost')),
  archived boolean not null default false
);
create index on stages (workspace_id, pipeline_id, position);
select throughline_isolate('stages');

create table opportunities (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  name bytea not null, -- sealed: people put names of people into it
  amount_minor bigint, -- null: the CRM has no amount
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  pipeline_id identifier references pipelines,
  stage_id identifier references stages,
  status text not null check (status in ('open', 'won', 'lost')),
  owner_id identifier references owners,
  opened_at timestamptz not null,
  closed_at timestamptz, -- set while won or lost
  deleted_at timestamptz,
  updated_at timestamptz not null,
  version integer not null default 1
);
create index opportunities_closed on opportunities (workspace_id, status, closed_at) where deleted_at is null;
create index opportunities_list on opportunities (workspace_id, opened_at desc, id desc);
select throughline_isolate('opportunities');

create table opportunity_stages (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null references opportunities,
  entered_at timestamptz not null,
  stage_id identifier not null references stages,
  primary key (workspace_id, opportunity_id, entered_at, stage_id)
);
select throughline_isolate('opportunity_stages');

create table opportunity_people (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null references opportunities,
  person_id identifier not null references people,
  primary key (workspace_id, opportunity_id, person_id)
);
create index on opportunity_people (workspace_id, person_id);
select throughline_isolate('opportunity_people');
