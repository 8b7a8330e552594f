-- 0043_campaign_members.sql: expand. Who belongs to which campaign, and what came of it. A new table; locks campaigns and leads for a
-- moment. Nothing comes next.

create table campaign_members (
  id identifier primary key,
  workspace_id identifier not null references workspaces,
  campaign_id identifier not null references campaigns,
  lead_id identifier not null references leads, -- who merges people by hand moves nothing here: the lead stays, under another person
  status text not null check (length(status) between 1 and 40), -- the campaign's own word, such as Sent
  responded_at timestamptz, -- the first time; a status that is taken back does not undo it
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
select throughline_isolate('campaign_members');
create unique index campaign_members_once on campaign_members (workspace_id, campaign_id, lead_id) where deleted_at is null;
create index on campaign_members (workspace_id, lead_id);
