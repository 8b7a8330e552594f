-- 0015_sign_in.sql: people's sign-in (passwords, second factors, passkeys, invitations) and the OAuth authorization server.
-- Adds columns with constant defaults (no rewrite) and creates tables; locks users and sessions briefly.

alter table users add column email_index bytea; -- blind index under the installation's own key: sign-in knows no workspace yet
create unique index users_by_email on users (email_index) where email_index is not null;

alter table sessions add column authenticated_at timestamptz not null default now(); -- when its person last proved to be there
alter table sessions add column methods text[] not null default '{link}';
alter table sessions add column place bytea; -- sealed: address and browser, for the person's own list of sessions
alter table sessions alter column authenticated_at drop default;

create table user_passwords (
  user_id identifier primary key references users on delete cascade,
  workspace_id identifier not null references workspaces,
  hash text not null, -- PHC string: Argon2id, its costs, salt, hash
  stands_alone boolean not null, -- long enough without a second factor
  changed_at timestamptz not null
);
select throughline_isolate('user_passwords');

create table user_totp (
  user_id identifier primary key references users on delete cascade,
  workspace_id identifier not null references workspaces,
  secret bytea not null, -- sealed
  confirmed_at timestamptz,
  last_step bigint not null default 0, -- the 30-second step of the last accepted code: a code counts once
  created_at timestamptz not null
);
select throughline_isolate('user_totp');

create table user_passkeys (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  user_id identifier not null references users on delete cascade,
  credential_id text not null unique, -- base64url
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  name text not null check (length(name) between 1 and 100),
  created_at timestamptz not null,
  last_used_at timestamptz
);
create index on user_passkeys (workspace_id, user_id);
select throughline_isolate('user_passkeys');

create table user_recovery_codes (
  user_id identifier not null references users on delete cascade,
  workspace_id identifier not null references workspaces,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);
select throughline_isolate('user_recovery_codes');

-- Browsers on which the person signed in before: a flood of wrong passwords from elsewhere does not shut them out.
create table user_devices (
  token_hash bytea not null,
  workspace_id identifier not null references workspaces,
  user_id identifier not null references users on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (token_hash, user_id)
);
create index on user_devices (user_id);
select throughline_isolate('user_devices');

-- Who somebody is at the outside identity provider: a hash of issuer and subject.
create table user_identities (
  subject_hash bytea primary key,
  workspace_id identifier not null references workspaces,
  user_id identifier not null references users on delete cascade,
  created_at timestamptz not null
);
create index on user_identities (user_id);
select throughline_isolate('user_identities');

-- Between the steps of a sign-in nobody is known yet, so these two belong to no workspace; only the engines' role reads them.
create table sign_in_challenges (
  token_hash bytea primary key,
  kind text not null check (kind in ('second_factor', 'passkey', 'step_up', 'oidc')),
  sealed bytea not null,
  expires_at timestamptz not null
);
create index on sign_in_challenges (expires_at);

create table sign_in_failures (
  key bytea primary key, -- keyed hash of what is counted: source and account, source, account, second factor
  window_ends_at timestamptz not null,
  failures integer not null
);
create index on sign_in_failures (window_ends_at);

create table oauth_clients (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  name text not null check (length(name) between 1 and 200),
  kind text not null check (kind in ('service', 'web', 'native')), -- client credentials; code with a secret; code without
  secret_hash bytea,
  old_secret_hash bytea, -- goes on until old_secret_until, so that a rotation fails nobody
  old_secret_until timestamptz,
  authentication text not null check (authentication in ('client_secret_basic', 'client_secret_post', 'none')),
  redirect_uris text[] not null,
  scopes text[] not null,
  rate_limit_per_minute integer not null check (rate_limit_per_minute > 0),
  created_at timestamptz not null,
  created_by identifier not null,
  revoked_at timestamptz
);
create index on oauth_clients (workspace_id, id);
select throughline_isolate('oauth_clients');

-- The library's state: codes, refresh tokens, grants, interactions. Ids are hashed and payloads sealed, so that a dump holds no
-- usable token. It is read before a workspace is known, has no grant, and so cannot be reached from a workspace's transaction.
create table oauth_artifacts (
  model text not null,
  id_hash bytea not null,
  grant_hash bytea,
  client_id identifier,
  sealed bytea not null,
  expires_at timestamptz,
  consumed_at timestamptz,
  primary key (model, id_hash)
);
create index on oauth_artifacts (grant_hash) where grant_hash is not null;
create index on oauth_artifacts (expires_at);

create table oauth_signing_keys (
  kid text primary key,
  sealed bytea not null, -- the private JWK
  created_at timestamptz not null,
  retired_at timestamptz -- signs no more; stays published until its last token has ended
);

-- Access tokens (by jti) and whole grants that ended before their time; kept until the last of their tokens would have ended.
create table oauth_revocations (
  id text primary key,
  expires_at timestamptz not null
);
create index on oauth_revocations (expires_at);

-- Tells every process at once that cached credentials are stale.
create function throughline_forget_credentials() returns trigger language plpgsql as $$
begin
  perform pg_notify('throughline_credentials', '');
  return null;
end
$$;
create trigger sessions_ended after update of revoked_at, token_hash on sessions for each statement execute function throughline_forget_credentials();
create trigger users_changed after update of roles, active on users for each statement execute function throughline_forget_credentials();
create trigger api_keys_ended after update of revoked_at, expires_at on api_keys for each statement execute function throughline_forget_credentials();
create trigger oauth_clients_ended after update of revoked_at, scopes on oauth_clients for each statement execute function throughline_forget_credentials();
create trigger oauth_revoked after insert on oauth_revocations for each statement execute function throughline_forget_credentials();
