import { z } from 'zod'
import { LeadPath } from './lead.schema.ts'

/** Why sales takes or turns down a lead. */
export const dispositions = {
  accept: {
    good_fit: 'Good fit',
    asked_for_contact: 'Asked to be contacted',
    already_in_talks: 'Already in talks',
    other: 'Other',
  },
  reject: {
    wrong_contact_data: 'Wrong contact data',
    no_decision_maker: 'Not a decision maker',
    no_budget: 'No budget',
    bad_timing: 'Bad timing',
    bad_fit: 'Company does not fit',
    out_of_territory: 'Out of territory',
    duplicate: 'Duplicate',
    competitor: 'Competitor',
    student_or_job_seeker: 'Student or job seeker',
    unresponsive: 'Does not respond',
    spam: 'Spam',
    other: 'Other',
  },
} as const

export const Disposition = LeadPath.extend({
  verdict: z.enum(['accept', 'reject']),
  reason: z
    .enum([...keysOf(dispositions.accept), ...keysOf(dispositions.reject)])
    .meta({ description: 'Which reasons go with which verdict is listed in the guide.' }),
}).refine(({ verdict, reason }) => Object.hasOwn(dispositions[verdict], reason), {
  error: 'The reason does not go with the verdict.',
  path: ['reason'],
})

function keysOf<K extends string>(table: Readonly<Record<K, string>>): [K, ...K[]] {
  return Object.keys(table) as [K, ...K[]]
}
