-- 0033_merges.sql: expand. People merged by hand as a layer that can be taken off again, and pairs of people that may be one.
--
-- A row that belongs to a person names in home_id (touchpoints: captured_as) for whom it came, when that person was merged since;
-- person_id is whom it counts for now. Adds columns without a rewrite; building the indexes on identities, people, leads and
-- opportunity_people holds up writes to them for as long as it takes to read them once. Nothing comes next: people that were there before are looked
-- through for duplicates by the job people.duplicates.

alter table identities add column home_id identifier;
create index identities_home on identities (workspace_id, home_id) where home_id is not null;
alter table consents add column home_id identifier;
alter table leads add column home_id identifier;
alter table opportunity_people add column home_id identifier;

create table person_merges (
  id identifier primary key,
  seq bigint generated always as identity, -- the order of merges that touch one person: those are made one after the other
  workspace_id identifier not null references workspaces,
  from_id identifier not null references people,
  into_id identifier not null references people,
  moved jsonb not null, -- rows by kind
  -- Sealed. The values of each side as they are without the other: changes since that name a side are made here too, and taking
  -- the merge off puts them in place. Empty once it was taken off, or the person was erased.
  from_values bytea,
  into_values bytea,
  consent_ids text[] not null default '{}', -- consents that the merge itself laid down, so that the more restrictive one holds
  merged_by text not null, -- principal
  merged_at timestamptz not null,
  undone_by text,
  undone_at timestamptz,
  check (from_id <> into_id)
);
create unique index person_merges_from on person_merges (workspace_id, from_id) where undone_at is null;
create index person_merges_into on person_merges (workspace_id, into_id) where undone_at is null;
create index person_merges_list on person_merges (workspace_id, seq desc);
select throughline_isolate('person_merges');

create index people_merged on people (workspace_id, merged_into) where merged_into is not null;

-- One lead of its own a person, and beside it those of people who were merged into it by hand.
alter table leads drop constraint leads_workspace_id_person_id_key;
create unique index leads_own on leads (workspace_id, person_id) where home_id is null;
create index leads_home on leads (workspace_id, home_id) where home_id is not null;
create index leads_person on leads (workspace_id, person_id, id);

alter table opportunity_people drop constraint opportunity_people_pkey;
create unique index opportunity_people_once on opportunity_people (workspace_id, opportunity_id, (coalesce(home_id, person_id)));
create index opportunity_people_home on opportunity_people (workspace_id, home_id) where home_id is not null;

-- False: what the person is known by is to be looked through for duplicates.
alter table people add column keyed boolean not null default false;
create index people_unkeyed on people (workspace_id, id) where not keyed and identified and merged_into is null;

-- By what two people may be alike: blind indexes, each with the kind of likeness.
create table person_keys (
  workspace_id identifier not null references workspaces,
  kind text not null,
  key bytea not null,
  person_id identifier not null references people,
  primary key (workspace_id, kind, key, person_id)
);
create index on person_keys (workspace_id, person_id);
select throughline_isolate('person_keys');

create table person_duplicates (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  person_id identifier not null references people,
  other_person_id identifier not null references people,
  confidence double precision not null check (confidence between 0 and 1),
  reasons text[] not null, -- kinds of likeness, never values
  status text not null default 'open' check (status in ('open', 'dismissed')),
  found_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  check (person_id < other_person_id),
  unique (workspace_id, person_id, other_person_id)
);
create index person_duplicates_list on person_duplicates (workspace_id, status, confidence desc, id desc);
create index person_duplicates_other on person_duplicates (workspace_id, other_person_id);
select throughline_isolate('person_duplicates');
