-- 0007_reports.sql: the credit ledger: which touch of which person got how much of which deal. Creates tables only; locks nothing.

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
  amount_minor bigint not null,
  currency text not null,
  touches integer not null, -- in the window; 0: uncredited
  primary key (workspace_id, window_days, opportunity_id)
);
create index attribution_deals_closed on attribution_deals (workspace_id, window_days, closed_at) include (amount_minor, currency, touches);
select throughline_isolate('attribution_deals');

create table credits (
  workspace_id identifier not null references workspaces,
  window_days integer not null,
  model text not null,
  opportunity_id identifier not null references opportunities,
  touchpoint_id identifier not null references touchpoints,
  person_id identifier not null,
  campaign_id identifier,
  channel text not null,
  closed_at timestamptz not null,
  share double precision not null,
  amount_minor bigint not null,
  currency text not null,
  primary key (workspace_id, window_days, model, opportunity_id, touchpoint_id)
);
create index credits_campaign on credits (workspace_id, window_days, model, campaign_id, closed_at) include (opportunity_id, share, amount_minor, currency);
create index credits_closed on credits (workspace_id, window_days, model, closed_at) include (campaign_id, channel, opportunity_id, share, amount_minor, currency);
create index credits_touchpoint on credits (workspace_id, touchpoint_id);
select throughline_isolate('credits');

-- Deals whose credits are to be computed again.
create table attribution_dirty (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null references opportunities,
  since timestamptz not null,
  primary key (workspace_id, opportunity_id)
);
select throughline_isolate('attribution_dirty');

create table attribution_state (
  workspace_id identifier primary key references workspaces,
  computed_at timestamptz not null
);
select throughline_isolate('attribution_state');
