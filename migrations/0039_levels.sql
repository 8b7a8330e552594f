-- 0039_levels.sql: expand. Quotas and their use, how fast and how soundly calls were answered, and what probers found from outside.
-- New tables, and a column of the outbox that may be empty (no rewrite); locks it for a moment. Nothing comes next.

-- Requests a day and a month (calendar, UTC) that a key, a client, a person, people of a role, or the workspace may make.
create table quotas (
  workspace_id identifier not null references workspaces,
  subject text not null check (length(subject) between 1 and 80), -- an id, role.<name>, or workspace
  per_day bigint check (per_day > 0),
  per_month bigint check (per_month > 0),
  version integer not null default 1,
  updated_at timestamptz not null,
  primary key (workspace_id, subject),
  check (per_day is not null or per_month is not null)
);
select throughline_isolate('quotas');

-- Where a quota stands in one period. Processes take from it in blocks before they admit requests: what one that died did not use
-- of its block is lost, never more.
create table quota_periods (
  workspace_id identifier not null references workspaces,
  subject text not null,
  period text not null check (period in ('day', 'month')),
  starts_on date not null, -- UTC
  taken bigint not null default 0,
  granted integer not null default 0, -- to whoever took last
  used bigint not null default 0, -- admitted, as far as processes have told
  warned_at timestamptz, -- when the event of 80 % was told
  exceeded_at timestamptz,
  primary key (workspace_id, subject, period, starts_on)
);
select throughline_isolate('quota_periods');

-- What was admitted and what a quota refused, by day, for every subject whether it has a quota or not.
create table usage_days (
  workspace_id identifier not null references workspaces,
  day date not null, -- UTC
  subject text not null,
  requests bigint not null default 0,
  refused bigint not null default 0,
  primary key (workspace_id, day, subject)
);
select throughline_isolate('usage_days');
create index usage_days_by_subject on usage_days (workspace_id, subject, day);

-- Calls by minute, operation, how they ended, and how long they took (one of 540 spans of time, src/levels/histogram.rules.ts).
-- Each process adds what it saw once the minute is over. Minutes are kept for a day, hours for 35.
create table call_minutes (
  workspace_id identifier not null references workspaces,
  at timestamptz not null, -- the minute's beginning
  operation text not null, -- or vendor.<name>: calls to a connected system
  class text not null check (class in ('ok', 'refused', 'limited', 'fault')),
  bucket smallint not null,
  calls integer not null,
  primary key (workspace_id, at, operation, class, bucket)
);
select throughline_isolate('call_minutes', 'select');
create index call_minutes_at on call_minutes (at);

create table call_hours (
  workspace_id identifier not null references workspaces,
  at timestamptz not null,
  operation text not null,
  class text not null check (class in ('ok', 'refused', 'limited', 'fault')),
  bucket smallint not null,
  calls integer not null,
  primary key (workspace_id, at, operation, class, bucket)
);
select throughline_isolate('call_hours', 'select');
create index call_hours_at on call_hours (at);

-- What probers found from outside. A moment is told once; a prober that could not reach the hub delivers later.
create table probes (
  workspace_id identifier not null references workspaces,
  prober text not null check (length(prober) between 1 and 40),
  at timestamptz not null,
  every_ms integer not null check (every_ms between 100 and 3600000),
  ok boolean not null,
  duration_ms integer not null,
  fault text check (length(fault) <= 100), -- a code, no text of an answer
  primary key (workspace_id, prober, at)
);
select throughline_isolate('probes', 'select, insert');
create index probes_at on probes (at);

-- The W3C traceparent of what told of the event, so that what follows from it is in the same trace.
alter table outbox add column trace text;
