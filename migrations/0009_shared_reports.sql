-- 0009_shared_reports.sql: who says where a deal came from; frozen weekly reports; quarterly plans. Creates tables; locks nothing.

-- Where a lead or a deal came from, in the words of those who should know. The newest of each speaker counts; all are audited.
create table source_claims (
  workspace_id identifier not null references workspaces,
  subject_id identifier not null, -- a lead or an opportunity
  speaker text not null check (speaker in ('customer', 'rep', 'crm', 'resolved')),
  channel text, -- null: the answer names no channel that the workspace has
  answer bytea, -- sealed: people write names into it
  claimed_at timestamptz not null,
  claimed_by text not null,
  primary key (workspace_id, subject_id, speaker),
  foreign key (workspace_id, channel) references channels (workspace_id, key)
);
select throughline_isolate('source_claims');

-- What both teams saw in a week: the numbers as they were, and their hash.
create table weekly_reports (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  week date not null, -- Monday of the week that it reports
  figures jsonb not null,
  sha256 text not null,
  created_at timestamptz not null,
  created_by text not null,
  unique (workspace_id, week)
);
select throughline_isolate('weekly_reports');

create table report_comments (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  report_id identifier not null references weekly_reports,
  body bytea not null, -- sealed: people write names into it
  created_at timestamptz not null,
  created_by text not null
);
create index on report_comments (workspace_id, report_id, id);
select throughline_isolate('report_comments');

-- What the weekly meeting is to talk about: filled from the figures, or added by hand; an open item is carried over.
create table agenda_items (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  week date not null, -- of the report that it came up in
  kind text not null check (kind in ('change', 'miss', 'dispute', 'decision')),
  subject text not null, -- the figure, campaign or deal that it is about; one item a week each
  title text not null check (length(title) between 1 and 300),
  link text,
  owner_id identifier references owners,
  state text not null default 'open' check (state in ('open', 'done')),
  created_at timestamptz not null,
  closed_at timestamptz,
  unique (workspace_id, week, kind, subject)
);
create index agenda_items_open on agenda_items (workspace_id, week desc, id desc) where state = 'open';
select throughline_isolate('agenda_items');

-- Targets of a quarter and what they need, each version kept.
create table quarterly_plans (
  workspace_id identifier not null references workspaces,
  quarter date not null, -- its first day
  version integer not null,
  plan jsonb not null,
  created_at timestamptz not null,
  created_by text not null,
  primary key (workspace_id, quarter, version)
);
select throughline_isolate('quarterly_plans');
