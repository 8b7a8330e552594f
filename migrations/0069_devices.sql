-- 0069_devices.sql: expand. A device is a browser that a person signs in from: what it is called, whether its person confirmed it, and
-- which sessions are bound to it. Rewrites user_devices, a small table, and locks sessions briefly (no rewrite). The defaults serve a
-- hub of the version before, which may still run. Devices are kept for a year after they were last seen, in place of 90 days after
-- the last sign-in. Sessions that are open stay open and have no device until the next sign-in. Nothing comes next.

alter table user_devices
  add column id identifier not null default ('dev_' || replace(gen_random_uuid()::text, '-', '')),
  -- Browser and system, of a closed list of words: nothing of the user agent is kept as it came.
  add column name text not null default 'Unknown browser' check (length(name) between 1 and 60),
  add column last_seen_at timestamptz not null default now(),
  add column confirmed_at timestamptz,
  add column confirmed_by text[]; -- the methods of that proof
update user_devices set last_seen_at = expires_at - interval '90 days', expires_at = expires_at + interval '275 days';
create unique index user_devices_by_id on user_devices (id);

-- No foreign key: a session stays on record when its device is forgotten, and is worth nothing from then on.
alter table sessions
  add column device_id identifier,
  add column device_bound_at timestamptz; -- since when it is worth nothing without the device's cookie
create index sessions_by_device on sessions (device_id) where device_id is not null;

create trigger user_devices_changed after delete or update of confirmed_at on user_devices for each statement execute function throughline_forget_credentials();
