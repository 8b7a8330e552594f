-- 0073_dirty_by_close.sql: expand. Deals that closed together share their sums by day: pages that take them together write each sum
-- once, not once a page. Adds a nullable column (no rewrite) and exchanges an index; marks of before are computed in any order.
-- Nothing comes next.

alter table attribution_dirty add column closed_at timestamptz;
drop index attribution_dirty_workspace_id_since_opportunity_id_idx;
create index on attribution_dirty (workspace_id, since, closed_at, opportunity_id);
