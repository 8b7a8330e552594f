-- 0007_reports.sql: the credit ledger: which touch of which person got how much of which deal, and what moved later.
-- Creates tables, and indexes on tables that are still empty; locks nothing.

-- The windows for which a ledger is kept; 0 stands for all time.
create table attribution_windows (
  workspace_id identifier not null references workspaces,
  window_days integer not null check (window_days between 0 and 3650),
  primary key (workspace_id, window_days)
);
select throughline_isolate('attribution_windows');

-- One row for each won deal and window, credited or not, so that credits and uncredited always add up to all won revenue.
create table attribution_deals (
  workspace_id identifier not null references workspaces,
  window_days integer not null,
  opportunity_id identifier not null references opportunities,
  closed_at timestamptz not null,
  amount_minor bigint not null, -- 0 where the CRM has no amount
  currency text not null,
  has_amount boolean not null,
  touches integer not null, -- in the window; 0: uncredited
  primary key (opportunity_id, window_days)
);
create index attribution_deals_closed on attribution_deals (workspace_id, window_days, closed_at desc, opportunity_id desc)
  include (amount_minor, currency, touches, has_amount);
select throughline_isolate('attribution_deals');

-- Derived rows, replaced deal by deal: they name touches and campaigns without foreign keys, whose checks would cost more
-- than the rows; a touch that is gone marks its deals dirty and leaves with the next refresh.
create table credits (
  workspace_id identifier not null references workspaces,
  window_days integer not null,
  model text not null,
  opportunity_id identifier not null,
  touchpoint_id identifier not null,
  person_id identifier not null,
  campaign_id identifier, -- null: a touch without a campaign
  channel text not null,
  closed_at timestamptz not null,
  share double precision not null,
  amount_minor bigint not null,
  currency text not null,
  primary key (opportunity_id, window_days, model, touchpoint_id)
);
create index credits_closed on credits (workspace_id, window_days, model, closed_at desc, opportunity_id desc, touchpoint_id desc);
create index credits_campaign on credits (workspace_id, campaign_id, window_days, model, closed_at desc);
create index credits_touchpoint on credits (workspace_id, touchpoint_id);
select throughline_isolate('credits');

-- Credits added up by deal and campaign, and by deal and channel, one column a model: what reports add further.
create table credit_sums (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  window_days integer not null,
  kind text not null check (kind in ('campaign', 'channel')),
  key text collate "C" not null, -- the campaign's id, empty for touches without one; or the channel
  closed_at timestamptz not null,
  currency text not null,
  first_minor bigint not null,
  last_minor bigint not null,
  linear_minor bigint not null,
  position_minor bigint not null,
  time_decay_minor bigint not null,
  first_share double precision not null,
  last_share double precision not null,
  linear_share double precision not null,
  position_share double precision not null,
  time_decay_share double precision not null,
  primary key (opportunity_id, window_days, kind, key)
);
create index credit_sums_closed on credit_sums (workspace_id, kind, window_days, closed_at);
create index credit_sums_key on credit_sums (workspace_id, kind, key, window_days, closed_at);
select throughline_isolate('credit_sums');

-- What touched each deal, open, won or lost, up to its close, whatever the window.
create table deal_touches (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  kind text not null check (kind in ('campaign', 'channel')),
  key text collate "C" not null,
  touches integer not null,
  is_source boolean not null, -- holds the very first touch of the deal's people, before the deal was opened
  is_open boolean not null, -- the deal was open when it was last computed
  primary key (opportunity_id, kind, key)
);
create index deal_touches_open on deal_touches (workspace_id, opportunity_id) include (kind, key, is_source) where is_open;
create index deal_touches_key on deal_touches (workspace_id, kind, key) include (opportunity_id, is_source);
select throughline_isolate('deal_touches');

-- Stays of deals in stages, each with its end: the next stage, or the close.
create table stage_stays (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  stage_id identifier not null,
  entered_at timestamptz not null,
  left_at timestamptz -- null while it is there
);
create index stage_stays_left on stage_stays (workspace_id, left_at) include (stage_id, entered_at, opportunity_id);
create index on stage_stays (opportunity_id);
select throughline_isolate('stage_stays');

-- One row a deal: what its touches mean for it, so that totals need not look at each touch.
create table deal_reach (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier primary key,
  touches integer not null,
  is_influenced boolean not null, -- a campaign touched it before its close
  is_sourced boolean not null -- its very first touch was a campaign's and came before it was opened
);
create index deal_reach_all on deal_reach (workspace_id, opportunity_id) include (is_influenced, is_sourced);
select throughline_isolate('deal_reach');

-- Deals whose rows are to be computed again. `marks` tells a mark that came during the computation from the one it answered.
create table attribution_dirty (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null references opportunities,
  since timestamptz not null,
  marks integer not null default 1,
  primary key (opportunity_id)
);
create index on attribution_dirty (workspace_id, since, opportunity_id);
select throughline_isolate('attribution_dirty');

-- One row a workspace; the refresh locks it, so that two refreshes never interleave.
create table attribution_state (
  workspace_id identifier primary key references workspaces,
  computed_at timestamptz -- null: never yet
);
select throughline_isolate('attribution_state');

-- What moved a figure of a week that had ended: the sum of its rows is the change.
create table attribution_restatements (
  id bigint generated always as identity primary key,
  workspace_id identifier not null references workspaces,
  restated_at timestamptz not null,
  week date not null, -- Monday of the week of the close
  window_days integer not null,
  model text not null, -- 'all' for uncredited revenue, which no model changes
  bucket text not null check (bucket in ('campaign', 'no_campaign', 'uncredited')),
  campaign_id identifier,
  currency text not null,
  cause text not null,
  delta_minor bigint not null,
  delta_share double precision not null, -- deals, in fractions
  opportunity_ids text[] not null
);
create index attribution_restatements_list on attribution_restatements (workspace_id, window_days, model, restated_at desc, id desc);
create index attribution_restatements_campaign on attribution_restatements (workspace_id, campaign_id, window_days, model, week)
  where campaign_id is not null;
select throughline_isolate('attribution_restatements');

-- Indexes on the tables of other modules, for what only reports ask.
create index people_merged_into on people (workspace_id, merged_into) where merged_into is not null;
create index touchpoints_campaign_people on touchpoints (workspace_id, campaign_id, person_id) where campaign_id is not null;
create index leads_quality on leads (workspace_id, captured_at) include (channel, mql_at, status, disposition, owner_id)
  where merged_into is null;
create index leads_qualified on leads (workspace_id, mql_at) include (channel, owner_id)
  where mql_at is not null and merged_into is null;
create index leads_reached on leads (workspace_id, person_id) include (channel, captured_at, owner_id)
  where merged_into is null;
create index people_created on people (workspace_id, created_at) where merged_into is null;
create index sync_links_linked on sync_links (workspace_id, entity, linked_at) include (local_id);
