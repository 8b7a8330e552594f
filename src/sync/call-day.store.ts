import { sql } from 'kysely'

/** The day that holds the moment for the connection `c` of a statement, as its system counts days. */
export const callDay = (now: Date) => sql`(${now}::timestamptz at time zone c.call_day_zone)::date`
