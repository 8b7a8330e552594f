create table outbox (seq bigint generated always as identity primary key, xid xid8 not null default pg_current_xact_id(), workspace_id identifier not null, event text not null, subject_id text not null, data jsonb not null default '{}', request_id text, occurred_at timestamptz not null);
select throughline_isolate('outbox');
