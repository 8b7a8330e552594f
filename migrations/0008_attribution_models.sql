-- 0008_attribution_models.sql: expand. Credit by any model, as rows; figures as they stood at an instant; journeys packed for
-- previews. Adds columns (no rewrite) and copies credit_sums into credit_totals, about a minute a million deals; locks
-- nothing that reads. credit_sums is not written any more. Contract: a later file drops it.

-- Definitions of models, each version kept. The rows without retired_at are those that the ledger is kept for.
create table attribution_models (
  workspace_id identifier not null references workspaces,
  model text collate "C" not null check (model ~ '^[a-z][a-z0-9_]{0,39}$'),
  version integer not null,
  name text not null check (length(name) between 1 and 100),
  method text not null,
  journey text not null default 'account' check (journey in ('account', 'person')),
  parameters jsonb not null default '{}',
  published_at timestamptz not null,
  published_by text, -- null: came with the workspace
  retired_at timestamptz,
  primary key (workspace_id, model, version)
);
create unique index attribution_models_kept on attribution_models (workspace_id, model) where retired_at is null;
select throughline_isolate('attribution_models');

-- What a computed model learned from all journeys, and from which. The newest of a model's version is the one in force.
create table attribution_fits (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  model text collate "C" not null,
  version integer not null,
  fitted_at timestamptz not null,
  profile jsonb not null, -- of the data: journeys, won, touches, people, channels, first and last touch
  coefficients jsonb not null,
  duration_ms integer not null
);
create index on attribution_fits (workspace_id, model, version, fitted_at desc);
select throughline_isolate('attribution_fits');

-- When which window was kept, so that figures of the past are refused where there are none.
create table attribution_window_spans (
  workspace_id identifier not null references workspaces,
  window_days integer not null,
  kept_from timestamptz not null,
  kept_until timestamptz
);
create unique index attribution_window_spans_kept on attribution_window_spans (workspace_id, window_days) where kept_until is null;
select throughline_isolate('attribution_window_spans');

-- Campaigns and channels by a small number, for packed journeys.
create table attribution_sources (
  workspace_id identifier not null references workspaces,
  number integer not null,
  campaign_id identifier, -- null: none
  channel text collate "C" not null,
  primary key (workspace_id, number),
  unique nulls not distinct (workspace_id, channel, campaign_id)
);
select throughline_isolate('attribution_sources');

-- All touches of a won deal before its close, whatever the window: what previews and recomputations read.
create table attribution_journeys (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier primary key,
  closed_at timestamptz not null,
  amount_minor bigint not null,
  currency text not null,
  opened_at timestamptz not null,
  lead_at timestamptz, -- the first lead among its people was captured
  touches bytea not null -- n times (float64, epoch ms), n sources (uint32), n people (uint16), each little-endian
);
create index attribution_journeys_closed on attribution_journeys (workspace_id, currency, closed_at);
select throughline_isolate('attribution_journeys');

-- Since when rows say so, and why they came to be.
alter table credits add column recorded_at timestamptz not null default now();
alter table attribution_deals
  add column recorded_at timestamptz not null default now(),
  add column cause text not null default 'deal_won',
  add column journey text, -- a digest of the touches in the window and of the deal's dates; null: made before there was one
  add column versions jsonb not null default '{}'; -- by model, the version that its credit is of
alter table attribution_dirty add column reasons text[] not null default '{}';
alter table attribution_state add column history_since timestamptz; -- null: never computed
update attribution_state set history_since = now() where computed_at is not null;

-- Credits added up by deal, model, and campaign or channel: what reports add further. The baseline is what a model says would
-- have come anyway; its key is empty.
create table credit_totals (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  window_days integer not null,
  model text collate "C" not null,
  kind text not null check (kind in ('campaign', 'channel', 'baseline')),
  key text collate "C" not null, -- the campaign's id, empty for touches without one; or the channel
  closed_at timestamptz not null,
  currency text not null,
  amount_minor bigint not null,
  share double precision not null,
  recorded_at timestamptz not null,
  cause text not null
);
insert into credit_totals
select s.workspace_id, opportunity_id, window_days, m.model, kind, key, closed_at, currency, m.amount_minor, m.share, now(), 'deal_won'
from credit_sums s
cross join lateral (values ('first', first_minor, first_share), ('last', last_minor, last_share),
  ('linear', linear_minor, linear_share), ('position', position_minor, position_share),
  ('time_decay', time_decay_minor, time_decay_share)) as m (model, amount_minor, share)
where m.share > 0;
alter table credit_totals add primary key (opportunity_id, window_days, model, kind, key);
create index credit_totals_closed on credit_totals (workspace_id, kind, window_days, model, closed_at)
  include (key, currency, amount_minor, share);
create index credit_totals_key on credit_totals (workspace_id, kind, key, window_days, closed_at);
create index credit_totals_recorded on credit_totals (workspace_id, window_days, model, recorded_at);
select throughline_isolate('credit_totals');
create index attribution_deals_recorded on attribution_deals (workspace_id, window_days, recorded_at);

-- Rows that were replaced: what the ledger said between recorded_at and superseded_at.
create table credits_past (like credits, superseded_at timestamptz not null);
create index on credits_past (workspace_id, window_days, model, superseded_at, closed_at);
create index on credits_past (opportunity_id);
select throughline_isolate('credits_past');
create table credit_totals_past (like credit_totals, superseded_at timestamptz not null, superseded_cause text not null);
create index on credit_totals_past (workspace_id, kind, window_days, model, superseded_at);
create index on credit_totals_past (opportunity_id);
select throughline_isolate('credit_totals_past');
create table attribution_deals_past (like attribution_deals, superseded_at timestamptz not null, superseded_cause text not null);
create index on attribution_deals_past (workspace_id, window_days, superseded_at);
create index on attribution_deals_past (opportunity_id);
select throughline_isolate('attribution_deals_past');

-- The rules that workspaces had so far.
insert into attribution_models (workspace_id, model, version, name, method, published_at)
select w.id, m.model, 1, m.name, m.model, w.created_at
from workspaces w cross join (values ('first', 'First touch'), ('last', 'Last touch'), ('linear', 'Linear'),
  ('position', 'Position'), ('time_decay', 'Time decay')) as m (model, name);
insert into attribution_window_spans (workspace_id, window_days, kept_from)
select workspace_id, window_days, now() from attribution_windows;
update attribution_deals set versions = '{"first": "1", "last": "1", "linear": "1", "position": "1", "time_decay": "1"}';

alter table attribution_restatements drop constraint attribution_restatements_bucket_check;
alter table attribution_restatements add constraint attribution_restatements_bucket_check
  check (bucket in ('campaign', 'no_campaign', 'baseline', 'uncredited'));

-- Backfill: the refresh packs the journeys of all deals; figures stay as they are.
insert into attribution_dirty (workspace_id, opportunity_id, since, reasons)
select workspace_id, id, now(), '{all}' from opportunities where deleted_at is null and closed_at is not null
on conflict do nothing;
