-- 0055_reason_of_a_dismissal.sql: expand. Why a pair of people is not one, for whoever looks at the decision later.
-- Locks person_duplicates briefly (no rewrite). Nothing comes next.
alter table person_duplicates add column reason text
  check (reason in ('different_people', 'shared_address', 'shared_phone', 'test_data', 'other'));
