-- 0003_people.sql: people, what identifies them, what they agreed to, and what they did. Creates tables only; locks nothing.

create table channels (
  workspace_id identifier not null references workspaces,
  key text not null check (key ~ '^[a-z0-9_]{1,60}$'),
  label text not null,
  created_at timestamptz not null,
  primary key (workspace_id, key)
);
select throughline_isolate('channels');

create table campaigns (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  key text not null check (length(key) between 1 and 200), -- lower case; a touch's utm_campaign equal to it belongs to the campaign
  name text not null check (length(name) between 1 and 200),
  channel text not null,
  status text not null check (status in ('planned', 'active', 'paused', 'ended')),
  starts_on date,
  ends_on date,
  budget_minor bigint,
  currency text,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  foreign key (workspace_id, channel) references channels (workspace_id, key)
);
create unique index campaigns_key on campaigns (workspace_id, key) where deleted_at is null;
create index on campaigns (workspace_id, created_at desc, id desc);
select throughline_isolate('campaigns');

create table people (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  -- True once an e-mail, user id or external id names the person. Two identified people are never merged silently.
  identified boolean not null,
  personal bytea, -- sealed JSON: email, names, phone, job title, traits
  merged_into identifier,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1
);
create index on people (workspace_id, created_at desc, id desc);
select throughline_isolate('people');

-- What names a person, by blind index: equality look-up without the value in the clear.
create table identities (
  workspace_id identifier not null references workspaces,
  kind text not null check (kind in ('email', 'user_id', 'anonymous_id', 'external_id')),
  source text not null default '', -- the system that gave an external id; empty for the others
  value_index bytea not null,
  value bytea not null, -- sealed
  person_id identifier not null references people,
  created_at timestamptz not null,
  primary key (workspace_id, kind, source, value_index)
);
create index on identities (workspace_id, person_id);
select throughline_isolate('identities');

-- Evidence that two identified people may be one: for a person to decide, never merged by the hub.
create table identity_conflicts (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  person_id identifier not null references people,
  other_person_id identifier not null references people,
  evidence jsonb not null, -- kinds of the identifiers that met, not their values
  state text not null default 'open' check (state in ('open', 'merged', 'kept_apart')),
  created_at timestamptz not null,
  unique (workspace_id, person_id, other_person_id)
);
select throughline_isolate('identity_conflicts');

create table consents (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  person_id identifier not null references people,
  purpose text not null check (length(purpose) between 1 and 60),
  channel text not null check (length(channel) between 1 and 60), -- email, phone, sms, any …
  status text not null check (status in ('granted', 'pending', 'denied', 'withdrawn')),
  source text not null,
  proof bytea, -- sealed: text version, page, address
  occurred_at timestamptz not null,
  created_at timestamptz not null
);
create index on consents (workspace_id, person_id, purpose, channel, occurred_at desc);
select throughline_isolate('consents');

create table touchpoints (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  person_id identifier not null references people,
  captured_as identifier, -- the person it was captured for, when a merge moved it
  kind text not null, -- form_submission, page_view, email_click, webinar_attended, custom event …
  channel text not null,
  campaign_id identifier references campaigns,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  source text not null, -- api, segment, import, lead
  message_id text, -- de-duplicates redeliveries within the source
  utm_source text,
  utm_medium text,
  utm_campaign text,
  utm_term text,
  utm_content text,
  detail bytea -- sealed JSON: page, referrer, click ids, properties
);
create index touchpoints_person on touchpoints (workspace_id, person_id, occurred_at);
create index touchpoints_campaign on touchpoints (workspace_id, campaign_id, occurred_at desc, id desc) where campaign_id is not null;
create index touchpoints_time on touchpoints (workspace_id, occurred_at desc, id desc);
create unique index touchpoints_message on touchpoints (workspace_id, source, message_id) where message_id is not null;
select throughline_isolate('touchpoints');

-- Events that a collector accepted and could not use, with the reason: nothing is dropped unseen.
create table quarantined_events (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  source text not null,
  reason text not null,
  payload bytea not null, -- sealed
  received_at timestamptz not null
);
create index on quarantined_events (workspace_id, received_at desc, id desc);
select throughline_isolate('quarantined_events');
