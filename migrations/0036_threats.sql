-- 0036_threats.sql: expand. Signs of attacks, what was made of them, and what was done about it. Creates tables only; locks nothing.
-- Nothing comes next.

-- Sums in buckets of five minutes (rows that were read: of an hour). Only the engines' role reads them: what tells of an address
-- may belong to no workspace yet, and is of no use to a request.
create table threat_counters (
  subject_kind text not null,
  subject text not null, -- an id, or the keyed hash of an address
  signal text not null,
  detail text not null default '', -- what is told apart within the signal: the account that was tried, the hash of a network
  bucket timestamptz not null,
  workspace_id identifier references workspaces, -- null: nobody's account was named
  n integer not null,
  unique nulls not distinct (subject_kind, subject, signal, detail, bucket, workspace_id)
);
alter table threat_counters enable row level security;
create index on threat_counters (bucket);

-- From which networks, and with which kind of software, a key, client or session is used.
create table credential_uses (
  subject_kind text not null check (subject_kind in ('key', 'client', 'session')),
  subject identifier not null,
  network bytea not null, -- keyed hash of the /24 or /48
  agent bytea not null, -- keyed hash of the User-Agent without its versions
  workspace_id identifier not null references workspaces,
  place bytea not null, -- sealed: network and agent, for whoever looks at a threat
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  requests bigint not null,
  known boolean not null default false, -- a person said that this is theirs
  primary key (subject_kind, subject, network, agent)
);
create index on credential_uses (network, first_seen_at);
create index on credential_uses (last_seen_at);
select throughline_isolate('credential_uses', 'select, update');

create table threat_policies (
  workspace_id identifier primary key references workspaces,
  policy jsonb not null,
  version integer not null default 1,
  updated_at timestamptz not null
);
select throughline_isolate('threat_policies');

create table threats (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  kind text not null,
  family text not null, -- kinds that are one attack seen from two sides share a family
  subject_kind text not null check (subject_kind in ('address', 'key', 'client', 'user', 'grant', 'session')),
  subject text not null,
  state text not null default 'open' check (state in ('open', 'confirmed', 'dismissed')),
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  evidence jsonb not null, -- figures
  place bytea, -- sealed: the address
  held_back text, -- why the policy's measure was not taken
  decided_by text,
  decided_at timestamptz
);
create unique index threats_open on threats (workspace_id, family, subject_kind, subject) where state = 'open';
create index on threats (workspace_id, id desc);
create index on threats (subject_kind, subject);
select throughline_isolate('threats', 'select, update');

create table threat_measures (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  threat_id identifier not null references threats,
  kind text not null check (kind in ('clamp', 'quarantine', 'block', 'sign_out')),
  subject_kind text not null,
  subject text not null,
  per_minute integer check (per_minute > 0), -- of a clamp
  begins_at timestamptz not null,
  ends_at timestamptz not null,
  undone_by text,
  undone_at timestamptz
);
create index on threat_measures (threat_id);
create index on threat_measures (ends_at) where undone_at is null;
create index on threat_measures (workspace_id, id desc);
select throughline_isolate('threat_measures', 'select, update');

-- Every process keeps what is in force in memory, and is told of each change.
create function throughline_measures_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('throughline_measures', '');
  return null;
end
$$;
create trigger threat_measures_changed after insert or update on threat_measures for each statement execute function throughline_measures_changed();
