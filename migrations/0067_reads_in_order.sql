-- 0067_reads_in_order.sql: expand. Of a million people few are erased: who looks for them reads those alone, not everybody once a page. One of
-- two equal indexes goes. Nothing comes next.
create index people_erased on people (id) where erased_at is not null;
drop index people_merged_into;
