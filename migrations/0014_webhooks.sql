-- 0014_webhooks.sql: what happens here, told to other systems by signed HTTP. Creates tables only; locks nothing.

create table webhook_endpoints (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  url text not null check (length(url) <= 2000),
  description text not null default '' check (length(description) <= 500),
  format text not null check (format in ('standard', 'slack')),
  events text[] not null check (cardinality(events) between 1 and 200),
  secret bytea not null, -- sealed: the signing secret
  old_secret bytea, -- sealed: signs beside the new one until the receiver has taken that over
  old_secret_until timestamptz,
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  disabled_reason text,
  failing_since timestamptz, -- since when no attempt has succeeded
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1
);
create index on webhook_endpoints (workspace_id, id);
select throughline_isolate('webhook_endpoints');

-- One message an event that somebody wants to hear of. The payload holds ids and figures, never personal values.
create table webhook_messages (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  event text not null,
  payload text not null, -- the body, byte for byte as it is signed and sent each time
  occurred_at timestamptz not null
);
create index on webhook_messages (workspace_id, id);
select throughline_isolate('webhook_messages');

create table webhook_deliveries (
  endpoint_id identifier not null references webhook_endpoints on delete cascade,
  message_id identifier not null references webhook_messages on delete cascade,
  workspace_id identifier not null references workspaces,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz, -- null once delivered or failed for good
  last_attempt_at timestamptz,
  last_status integer,
  last_error text,
  delivered_at timestamptz,
  primary key (endpoint_id, message_id)
);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_attempt_at) where state = 'pending';
create index webhook_deliveries_message on webhook_deliveries (message_id);
select throughline_isolate('webhook_deliveries');

create table webhook_attempts (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  endpoint_id identifier not null references webhook_endpoints on delete cascade,
  message_id identifier not null references webhook_messages on delete cascade,
  at timestamptz not null,
  status integer, -- null: no answer came
  duration_ms integer not null,
  error text
);
create index on webhook_attempts (endpoint_id, message_id, id desc);
select throughline_isolate('webhook_attempts');
