import { sql, type RawBuilder } from 'kysely'
import {
  defineRetainedRows,
  type Due,
  type RetainedKind,
  type RetainedPeople,
} from '#compliance/retained-store.ts'

const MONTHS = 1200
const SAMPLES = 10

/** Leads that came in before the moment, were not heard of since, and never became part of a deal. */
const unconverted = (due: Due): RawBuilder<unknown> => sql`
  from leads l join people p on p.id = l.person_id
  where l.workspace_id = ${due.workspaceId} and l.created_at < ${due.before} and l.merged_into is null and not l.is_customer
    and p.erased_at is null
    and not exists (
      select 1 from opportunity_people op where op.workspace_id = ${due.workspaceId} and op.person_id = l.person_id)
    and not exists (
      select 1 from lead_captures c
      where c.workspace_id = ${due.workspaceId} and c.lead_id = l.id and c.received_at >= ${due.before})
    and not exists (
      select 1 from touchpoints t
      where t.workspace_id = ${due.workspaceId} and t.person_id = l.person_id and t.occurred_at >= ${due.before})`

const unconvertedLeads: RetainedPeople = {
  name: 'unconverted_leads',
  about:
    'Leads that never became part of a deal and were not heard of since: what names the person is taken out, here and not at connected systems. Counts and sums stay.',
  defaultDays: null,
  minimumDays: 1,
  isErasable: true,
  async countDue(tx, due) {
    const months = await tx.query(sql<{ month: string; count: number; held: number }>`
      select month, (count(*) filter (where not is_held))::int as count, (count(*) filter (where is_held))::int as held from (
        select to_char(l.created_at at time zone 'UTC', 'YYYY-MM') as month, l.person_id in ${due.heldPeople} as is_held
        ${unconverted(due)}
      ) as d group by month order by month limit ${MONTHS}`)
    const rows = await tx.query(sql<{ id: string }>`
      select l.id ${unconverted(due)} and l.person_id not in ${due.heldPeople}
      order by l.created_at, l.id limit ${SAMPLES}`)
    return { months, samples: rows.map((row) => row.id) }
  },
  listDue: (tx, due, limit) =>
    tx.query(sql<{ personId: string; at: Date }>`
      select l.person_id, l.created_at as at ${unconverted(due)} and l.person_id not in ${due.heldPeople}
      order by l.id limit ${limit}`),
}

export const salesRetained: readonly RetainedKind[] = [
  unconvertedLeads,
  defineRetainedRows({
    name: 'lead_scores',
    about: 'The history of scores. A lead’s present score stays.',
    defaultDays: null,
    minimumDays: 1,
    isErasable: false,
    table: 'lead_scores',
    id: 't.lead_id',
    at: 't.scored_at',
    isHeld: ({ heldRecords }) => sql`t.lead_id in ${heldRecords}`,
  }),
]
