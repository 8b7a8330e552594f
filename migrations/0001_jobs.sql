-- 0001_jobs.sql: events waiting for their subscribers, and duties that recur. Creates tables only; locks nothing.

-- A row for each event, written in the transaction of the change that it tells of. Subscribers read it in the order of (xid, seq), and
-- only below the oldest running transaction, so that a late commit is never passed over.
create table outbox (
  seq bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  workspace_id identifier not null,
  event text not null,
  subject_id text not null,
  data jsonb not null default '{}', -- ids and figures, never personal values
  request_id text,
  occurred_at timestamptz not null
);
create index outbox_order on outbox (xid, seq);
select throughline_isolate('outbox', 'select, insert');

create function throughline_wake() returns trigger language plpgsql as $$
begin
  perform pg_notify('throughline_outbox', '');
  return null;
end
$$;
create trigger outbox_wake after insert on outbox for each statement execute function throughline_wake();

-- How far each subscriber has come: everything up to (xid, seq) is handled. A batch with events of several workspaces is handled in a
-- transaction each; until the last one, its end is kept here and how far each workspace has come in it (as `xid:seq`).
-- The row is moved in the transaction of what the subscriber did, and its version says whether somebody else was quicker.
create table subscriber_positions (
  subscriber text primary key,
  xid xid8 not null default '0',
  seq bigint not null default 0,
  batch_xid xid8,
  batch_seq bigint,
  progress jsonb not null default '{}',
  version bigint not null default 0
);
grant select, update on subscriber_positions to throughline_app;

-- Events that a subscriber failed on again and again: visible, and handed to it once more when their state is set to retry.
create table dead_events (
  subscriber text not null,
  seq bigint not null,
  workspace_id identifier not null,
  event text not null,
  subject_id text not null,
  error text not null, -- name, code and place of the error, no values
  tries integer not null,
  failed_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'retry', 'replayed', 'dismissed')),
  primary key (subscriber, seq)
);
create index on dead_events (workspace_id, failed_at desc) where state = 'open';
create index on dead_events (subscriber, seq) where state in ('open', 'retry');
select throughline_isolate('dead_events', 'select, insert, update');

-- When each recurring duty is due next, and who is at it. The hold is by the database's clock: it tells dead holders from living ones.
create table timers (
  name text primary key,
  every_ms bigint not null,
  next_due_at timestamptz not null,
  last_run_at timestamptz,
  failures integer not null default 0,
  holder text,
  held_until timestamptz
);
