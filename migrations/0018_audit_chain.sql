-- 0018_audit_chain.sql: expand. Each audit entry is linked to the one before it by a hash, and the head is signed now and then.
-- Rewrites audit_log once, for the transaction that wrote each entry; locks it while it does.

-- The transaction that wrote the entry: entries are linked in the order in which they were committed, none is passed over.
-- It is no part of what is proved.
alter table audit_log add column xid xid8 not null default pg_current_xact_id();
create index audit_log_unlinked on audit_log (workspace_id, xid, id);

-- One link an entry. Written by the engine alone; a workspace reads its own.
create table audit_links (
  workspace_id identifier not null references workspaces,
  seq bigint not null check (seq > 0), -- from 1, without gaps
  audit_id identifier not null unique,
  entry_hash bytea not null, -- SHA-256 of the entry
  chain_hash bytea not null, -- SHA-256 of the link before and this entry
  primary key (workspace_id, seq)
);
select throughline_isolate('audit_links', 'select');

-- A head that was signed with the installation's key, which is kept outside the database.
create table audit_checkpoints (
  workspace_id identifier not null references workspaces,
  seq bigint not null,
  chain_hash bytea not null,
  signed_at timestamptz not null,
  key_id text not null, -- the first 16 hex digits of the SHA-256 of the public key
  signature bytea not null, -- Ed25519
  primary key (workspace_id, seq)
);
select throughline_isolate('audit_checkpoints', 'select');

-- Where linking stands, one row a workspace: what was linked last, and what was signed last.
create table audit_heads (
  workspace_id identifier primary key references workspaces,
  seq bigint not null default 0,
  chain_hash bytea not null,
  xid xid8 not null default '0',
  audit_id text collate "C" not null default '',
  signed_seq bigint not null default 0,
  signed_at timestamptz
);
select throughline_isolate('audit_heads', 'select');
