-- 0026_drop_credit_sums.sql: contract of 0008. credit_totals took over from credit_sums, which nothing reads or writes any more.
-- Locks credit_sums for a moment. Nothing comes next.
drop table credit_sums;
