-- 0049_shared_limits.sql: expand. Limits of a minute, counted by all processes together where they share no Redis.
-- A new table. Nothing comes next.

-- One row a caller and limit. Processes take from it in leases before they admit requests and give back what they did not use: what one
-- that died held is lost until the minute is over, never admitted twice. Unlogged: after a crash of the database a minute starts afresh.
create unlogged table rate_windows (
  key bytea primary key, -- keyed hash of the caller's id or address, and of the limit
  round integer not null default 1, -- one more with each minute that was begun anew
  ends_at timestamptz not null,
  taken integer not null default 0,
  granted integer not null default 0 -- to whoever took last
);
create index on rate_windows (ends_at);
