-- 0051_packed_credit.sql: expand and contract. Credit is kept as one row a deal, window and model instead of one a touch, so that the
-- ledger follows a new rule within seconds; `credits` and `credit_totals` become views over it, with the columns that they had, and so
-- do their pasts. Copies the ledger (about a minute for five million lines of credit) under locks of its own tables. Nothing comes next.

-- The touches of a deal before its close, each version once and never changed: what rows of credit are aligned with.
create table ledger_journeys (
  id bigint generated always as identity primary key,
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  digest text collate "C" not null, -- of the touches and of the deal's dates
  touchpoint_ids text[] not null, -- in order of time
  person_ids text[] not null,
  sources integer[] not null, -- numbers of attribution_sources
  unique (opportunity_id, digest)
);
select throughline_isolate('ledger_journeys');

-- What one model gives the touches of one deal in one window.
create table credit_packs (
  workspace_id identifier not null references workspaces,
  opportunity_id identifier not null,
  window_days integer not null,
  model text collate "C" not null,
  journey_id bigint not null, -- of ledger_journeys
  skip integer not null, -- how many of its touches come before the window
  closed_at timestamptz not null,
  closed_on date not null, -- in the workspace's time zone: the day that its sums are kept under
  currency text not null,
  shares float8[] not null, -- of the touches after those
  amounts bigint[] not null,
  baseline_share float8, -- null: nothing would have come anyway
  baseline_minor bigint,
  recorded_at timestamptz not null,
  cause text not null
);
create table credit_packs_past (like credit_packs, superseded_at timestamptz not null, superseded_cause text not null);

-- Credit added up by the day of the close in the workspace's time zone: what reports of the present add further.
create table credit_days (
  workspace_id identifier not null references workspaces,
  window_days integer not null,
  model text collate "C" not null,
  kind text collate "C" not null check (kind in ('campaign', 'channel', 'baseline')),
  key text collate "C" not null, -- the campaign's id, empty for touches without one; or the channel
  currency text collate "C" not null,
  closed_on date not null,
  amount_minor bigint not null,
  share float8 not null,
  deals integer not null -- with credit in it; 0: what was there is gone
);

alter table attribution_deals add column journey_id bigint, add column skip integer; -- null: no touch in the window, or made before
alter table attribution_deals_past add column journey_id bigint, add column skip integer;

-- The copy. Lines of one moment are a pack; a model that gave some touches nothing has a journey of the others.
insert into attribution_sources (workspace_id, number, campaign_id, channel)
select n.workspace_id, coalesce((select max(number) from attribution_sources s where s.workspace_id = n.workspace_id), -1)
  + row_number() over (partition by n.workspace_id), n.campaign_id, n.channel
from (
  select workspace_id, campaign_id, channel from credits where touchpoint_id <> ''
  union select workspace_id, campaign_id, channel from credits_past where touchpoint_id <> ''
) n
where not exists (
  select 1 from attribution_sources s
  where s.workspace_id = n.workspace_id and s.channel = n.channel and s.campaign_id is not distinct from n.campaign_id);

create temporary table packed on commit drop as
select c.workspace_id, c.opportunity_id, c.window_days, c.model, c.closed_at, c.currency, c.recorded_at, c.superseded_at,
  array_agg(c.touchpoint_id::text order by t.occurred_at, c.touchpoint_id) filter (where c.touchpoint_id <> '') as touchpoint_ids,
  array_agg(c.person_id::text order by t.occurred_at, c.touchpoint_id) filter (where c.touchpoint_id <> '') as person_ids,
  array_agg(s.number order by t.occurred_at, c.touchpoint_id) filter (where c.touchpoint_id <> '') as sources,
  array_agg(c.share order by t.occurred_at, c.touchpoint_id) filter (where c.touchpoint_id <> '') as shares,
  array_agg(c.amount_minor order by t.occurred_at, c.touchpoint_id) filter (where c.touchpoint_id <> '') as amounts,
  max(c.share) filter (where c.touchpoint_id = '') as baseline_share,
  max(c.amount_minor) filter (where c.touchpoint_id = '') as baseline_minor
from (
  select workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at, share, amount_minor,
    currency, recorded_at, null::timestamptz as superseded_at from credits
  union all
  select workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at, share, amount_minor,
    currency, recorded_at, superseded_at from credits_past
) c
left join touchpoints t on t.id = c.touchpoint_id
left join attribution_sources s on s.workspace_id = c.workspace_id and s.channel = c.channel
  and s.campaign_id is not distinct from c.campaign_id
group by c.workspace_id, c.opportunity_id, c.window_days, c.model, c.closed_at, c.currency, c.recorded_at, c.superseded_at;
alter table packed add column digest text;
update packed set digest = 'lines ' || md5(concat_ws(' ', touchpoint_ids, person_ids, sources));

insert into ledger_journeys (workspace_id, opportunity_id, digest, touchpoint_ids, person_ids, sources)
select distinct on (opportunity_id, digest) workspace_id, opportunity_id, digest, coalesce(touchpoint_ids, '{}'),
  coalesce(person_ids, '{}'), coalesce(sources, '{}')
from packed;

insert into credit_packs
select p.workspace_id, p.opportunity_id, p.window_days, p.model, j.id, 0, p.closed_at,
  (p.closed_at at time zone w.time_zone)::date, p.currency, coalesce(p.shares, '{}'),
  coalesce(p.amounts, '{}'), p.baseline_share, p.baseline_minor, p.recorded_at,
  coalesce((select min(t.cause) from credit_totals t where t.opportunity_id = p.opportunity_id and t.window_days = p.window_days
    and t.model = p.model), 'deal_won')
from packed p join ledger_journeys j on j.opportunity_id = p.opportunity_id and j.digest = p.digest
join workspaces w on w.id = p.workspace_id
where p.superseded_at is null;

insert into credit_packs_past
select p.workspace_id, p.opportunity_id, p.window_days, p.model, j.id, 0, p.closed_at,
  (p.closed_at at time zone w.time_zone)::date, p.currency, coalesce(p.shares, '{}'),
  coalesce(p.amounts, '{}'), p.baseline_share, p.baseline_minor, p.recorded_at, coalesce(t.cause, 'deal_won'), p.superseded_at,
  coalesce(t.superseded_cause, 'touches_changed')
from packed p join ledger_journeys j on j.opportunity_id = p.opportunity_id and j.digest = p.digest
join workspaces w on w.id = p.workspace_id
left join lateral (
  select min(cause) as cause, min(superseded_cause) as superseded_cause from credit_totals_past t
  where t.opportunity_id = p.opportunity_id and t.window_days = p.window_days and t.model = p.model
    and t.recorded_at = p.recorded_at and t.superseded_at = p.superseded_at
) t on true
where p.superseded_at is not null;

-- A journey with every touch of the window serves what comes next, too.
update attribution_deals d set journey_id = p.journey_id, skip = 0
from credit_packs p join ledger_journeys j on j.id = p.journey_id
where p.opportunity_id = d.opportunity_id and p.window_days = d.window_days and cardinality(j.touchpoint_ids) = d.touches;

alter table credit_packs add primary key (opportunity_id, window_days, model);
create index credit_packs_closed on credit_packs (workspace_id, window_days, model, closed_at desc, opportunity_id desc);
create index credit_packs_recorded on credit_packs (workspace_id, window_days, model, recorded_at);
create index on credit_packs_past (workspace_id, window_days, model, superseded_at);
create index on credit_packs_past (opportunity_id);
select throughline_isolate('credit_packs');
select throughline_isolate('credit_packs_past');

drop table credits;
drop table credits_past;
drop table credit_totals;
drop table credit_totals_past;

-- Each asks as whoever asks it, so that workspaces stay apart; touches that a model gives nothing are no lines.
create view credits with (security_invoker = true) as
select p.workspace_id, p.window_days, p.model, p.opportunity_id, t.touchpoint_id::identifier as touchpoint_id,
  t.person_id::identifier as person_id, s.campaign_id, s.channel, p.closed_at, t.share, t.amount_minor, p.currency, p.recorded_at
from credit_packs p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.touchpoint_ids[p.skip + 1:], j.person_ids[p.skip + 1:], j.sources[p.skip + 1:], p.shares, p.amounts)
  as t (touchpoint_id, person_id, source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
union all
select workspace_id, window_days, model, opportunity_id, ''::identifier, ''::identifier, null::identifier, '', closed_at, baseline_share,
  baseline_minor, currency, recorded_at
from credit_packs where baseline_share > 0;

create view credits_past with (security_invoker = true) as
select p.workspace_id, p.window_days, p.model, p.opportunity_id, t.touchpoint_id::identifier as touchpoint_id,
  t.person_id::identifier as person_id, s.campaign_id, s.channel, p.closed_at, t.share, t.amount_minor, p.currency, p.recorded_at,
  p.superseded_at
from credit_packs_past p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.touchpoint_ids[p.skip + 1:], j.person_ids[p.skip + 1:], j.sources[p.skip + 1:], p.shares, p.amounts)
  as t (touchpoint_id, person_id, source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
union all
select workspace_id, window_days, model, opportunity_id, ''::identifier, ''::identifier, null::identifier, '', closed_at, baseline_share,
  baseline_minor, currency, recorded_at, superseded_at
from credit_packs_past where baseline_share > 0;

-- Credit added up by deal and campaign, channel or baseline.
create view credit_totals with (security_invoker = true) as
select p.workspace_id, p.opportunity_id, p.window_days, p.model, 'campaign' as kind, coalesce(s.campaign_id, '')::text as key, p.closed_at,
  p.currency, sum(t.amount_minor)::bigint as amount_minor, sum(t.share) as share, p.recorded_at, p.cause
from credit_packs p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.sources[p.skip + 1:], p.shares, p.amounts) as t (source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
group by p.workspace_id, p.opportunity_id, p.window_days, p.model, s.campaign_id, p.closed_at, p.currency, p.recorded_at, p.cause
union all
select p.workspace_id, p.opportunity_id, p.window_days, p.model, 'channel', s.channel, p.closed_at, p.currency,
  sum(t.amount_minor)::bigint, sum(t.share), p.recorded_at, p.cause
from credit_packs p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.sources[p.skip + 1:], p.shares, p.amounts) as t (source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
group by p.workspace_id, p.opportunity_id, p.window_days, p.model, s.channel, p.closed_at, p.currency, p.recorded_at, p.cause
union all
select workspace_id, opportunity_id, window_days, model, 'baseline', '', closed_at, currency, baseline_minor, baseline_share, recorded_at,
  cause
from credit_packs where baseline_share > 0;

create view credit_totals_past with (security_invoker = true) as
select p.workspace_id, p.opportunity_id, p.window_days, p.model, 'campaign' as kind, coalesce(s.campaign_id, '')::text as key, p.closed_at,
  p.currency, sum(t.amount_minor)::bigint as amount_minor, sum(t.share) as share, p.recorded_at, p.cause, p.superseded_at,
  p.superseded_cause
from credit_packs_past p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.sources[p.skip + 1:], p.shares, p.amounts) as t (source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
group by p.workspace_id, p.opportunity_id, p.window_days, p.model, s.campaign_id, p.closed_at, p.currency, p.recorded_at, p.cause,
  p.superseded_at, p.superseded_cause
union all
select p.workspace_id, p.opportunity_id, p.window_days, p.model, 'channel', s.channel, p.closed_at, p.currency,
  sum(t.amount_minor)::bigint, sum(t.share), p.recorded_at, p.cause, p.superseded_at, p.superseded_cause
from credit_packs_past p join ledger_journeys j on j.id = p.journey_id
cross join lateral unnest(j.sources[p.skip + 1:], p.shares, p.amounts) as t (source, share, amount_minor)
join attribution_sources s on s.workspace_id = p.workspace_id and s.number = t.source
where t.share > 0
group by p.workspace_id, p.opportunity_id, p.window_days, p.model, s.channel, p.closed_at, p.currency, p.recorded_at, p.cause,
  p.superseded_at, p.superseded_cause
union all
select workspace_id, opportunity_id, window_days, model, 'baseline', '', closed_at, currency, baseline_minor, baseline_share, recorded_at,
  cause, superseded_at, superseded_cause
from credit_packs_past where baseline_share > 0;

grant select on credits, credits_past, credit_totals, credit_totals_past to throughline_app;

insert into credit_days
select t.workspace_id, t.window_days, t.model, t.kind, t.key, t.currency, (t.closed_at at time zone w.time_zone)::date,
  sum(t.amount_minor), sum(t.share), count(*)
from credit_totals t join workspaces w on w.id = t.workspace_id group by 1, 2, 3, 4, 5, 6, 7;
alter table credit_days add primary key (workspace_id, window_days, model, kind, key, currency, closed_on);
select throughline_isolate('credit_days');
