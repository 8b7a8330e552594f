-- 0071_disconnections.sql: expand. Webhooks that the hub made for a connection outlive it until the connected system took them away: what
-- that needs is kept here, sealed, and goes with them. And who looks after the webhooks of a connection at the moment, so that a run and a
-- change of its settings never make them twice.
-- A new table; a nullable column (no rewrite, sync_leases is locked for an instant). Nothing comes next.

create table sync_disconnections (
  connection_id identifier primary key, -- of a connection that is gone
  workspace_id identifier not null references workspaces,
  vendor text not null,
  name text not null,
  address text not null, -- where the webhooks tell
  settings bytea, -- sealed; null once nobody is to use them any more
  state text not null default 'waiting' check (state in ('waiting', 'by_hand')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  detail text, -- what the system said, without personal data
  deleted_at timestamptz not null,
  check ((state = 'waiting') = (settings is not null))
);
create index on sync_disconnections (workspace_id, connection_id);
create index on sync_disconnections (next_attempt_at) where state = 'waiting';
select throughline_isolate('sync_disconnections');

alter table sync_leases add column hooks_held_until timestamptz;
