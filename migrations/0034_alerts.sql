-- 0034_alerts.sql: what somebody has to be told of, once when it begins and once when it is over. Creates tables only; locks nothing.

-- One row each time something is wrong: what a watch found, by its key. No personal values.
create table alerts (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  watch text not null,
  key text not null check (length(key) between 1 and 300),
  title text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  owner_role text not null,
  summary text not null check (length(summary) <= 500),
  link text not null check (length(link) <= 500), -- a path of the console
  values jsonb not null default '{}', -- ids and figures
  state text not null check (state in ('waiting', 'firing', 'resolved')), -- waiting: not there for long enough yet
  since timestamptz not null, -- when it was first found
  fired_at timestamptz,
  resolved_at timestamptz,
  last_seen_at timestamptz not null,
  openings integer not null default 0, -- how often it came back shortly after it was over, and the first time
  acknowledged_at timestamptz,
  acknowledged_by text,
  note text check (length(note) <= 1000),
  version integer not null default 1
);
create unique index alerts_one_open on alerts (workspace_id, watch, key) where state <> 'resolved';
create index alerts_list on alerts (workspace_id, state, id desc);
create index alerts_over on alerts (workspace_id, resolved_at) where state = 'resolved';
select throughline_isolate('alerts');

create table alert_history (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  alert_id identifier not null references alerts on delete cascade,
  what text not null check (what in ('fired', 'resolved', 'reopened', 'acknowledged')),
  at timestamptz not null,
  by text, -- null: the hub itself
  note text
);
create index on alert_history (alert_id, id);
select throughline_isolate('alert_history');

create table alert_channels (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  name text not null check (length(name) between 1 and 100),
  kind text not null check (kind in ('email', 'slack', 'webhook')),
  target bytea not null, -- sealed: addresses, or URL and signing secret
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  disabled_reason text, -- null: by hand
  min_severity text not null check (min_severity in ('info', 'warning', 'critical')),
  watches text[] not null check (cardinality(watches) between 1 and 50),
  quiet_from time, -- in the time zone of the workspace; what is critical is told all the same
  quiet_to time,
  failing_since timestamptz, -- since when no attempt has succeeded
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  unique (workspace_id, name),
  check ((quiet_from is null) = (quiet_to is null))
);
select throughline_isolate('alert_channels');

-- One message a change of state and channel: the pair is what keeps a second one out.
create table alert_messages (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  channel_id identifier not null references alert_channels on delete cascade,
  alert_id identifier references alerts on delete cascade, -- null: a test
  history_id identifier references alert_history on delete cascade,
  kind text not null check (kind in ('fired', 'resolved', 'test')),
  notice text not null, -- what is told, as JSON; from it the channel's form is made, the same each time
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'skipped')),
  attempts integer not null default 0,
  due_at timestamptz, -- null once it is not to be sent any more
  last_attempt_at timestamptz,
  last_status integer,
  last_error text,
  delivered_at timestamptz,
  created_at timestamptz not null,
  unique (channel_id, history_id)
);
create index alert_messages_due on alert_messages (channel_id, due_at) where state = 'pending';
create index on alert_messages (alert_id);
select throughline_isolate('alert_messages');

create table alert_mutes (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  watch text not null,
  key text, -- null: all that the watch finds
  until timestamptz not null,
  note text not null default '' check (length(note) <= 500),
  created_by text not null,
  created_at timestamptz not null
);
create index on alert_mutes (workspace_id, watch, until);
select throughline_isolate('alert_mutes');
