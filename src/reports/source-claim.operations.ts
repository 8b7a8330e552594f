import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { resolveLens } from '#reports/lens.store.ts'
import { channelOfAnswer } from '#reports/source-claim.rules.ts'
import {
  Claim,
  ClaimList,
  ClaimQuery,
  Disagreement,
  DisagreementQuery,
  PutClaim,
} from '#reports/source-claim.schema.ts'
import {
  countPairs,
  hasSubject,
  listChannelNames,
  listClaims,
  listDisputed,
  upsertClaim,
  type PairRow,
} from '#reports/source-claim.store.ts'

const placeOf = (subjectId: string, speaker: string) =>
  `source_claims.answer:${subjectId}:${speaker}`

export const putSourceClaim = defineOperation({
  id: 'putSourceClaim',
  method: 'PUT',
  path: '/api/v1/attribution/claims/{subjectId}/{speaker}',
  scope: 'claims:write',
  tag: 'Attribution',
  summary: 'Note where a lead or a deal came from, as the customer, the rep or the CRM says',
  description:
    'The newest of each speaker counts. With the speaker `resolved`, a dispute is settled. An answer in words is kept sealed.',
  event: 'attribution.source_claimed',
  subject: ({ subjectId }) => subjectId,
  input: PutClaim,
  output: Claim,
  async perform({ subjectId, speaker, channel: given, answer }, { tx, principal, now }) {
    if (!(await hasSubject(tx, subjectId)))
      throw new Problem('resource.not_found', 'There is no lead or opportunity with this id.')
    const channels = await listChannelNames(tx)
    if (given !== null && !channels.some(({ key }) => key === given))
      throw new Problem('request.invalid', 'There is no such channel.', {
        errors: [{ pointer: '/channel', detail: 'Use the key of a channel of the workspace.' }],
      })
    const channel = given ?? channelOfAnswer(answer ?? '', channels)
    const claim = { subjectId, speaker, channel, claimedAt: now, claimedBy: principal.id }
    const sealed = answer === undefined ? null : tx.sealer.seal(answer, placeOf(subjectId, speaker))
    await upsertClaim(tx, { ...claim, answer: sealed })
    return { ...claim, answer: answer ?? null }
  },
})

export const listSourceClaims = defineOperation({
  id: 'listSourceClaims',
  method: 'GET',
  path: '/api/v1/attribution/claims/{subjectId}',
  scope: 'leads:read',
  tag: 'Attribution',
  summary: 'What is said of where a lead or a deal came from',
  input: ClaimQuery,
  output: ClaimList,
  async perform({ subjectId }, { tx }) {
    const rows = await listClaims(tx, subjectId)
    const data = rows.map((row) => ({
      ...row,
      answer: row.answer && tx.sealer.open<string>(row.answer, placeOf(subjectId, row.speaker)),
    }))
    return { data, nextCursor: null }
  },
})

export const listDisagreements = defineOperation({
  id: 'listAttributionDisagreements',
  method: 'GET',
  path: '/api/v1/attribution/disagreements',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'Where the model, the CRM, the customer and the rep differ on where won deals came from',
  input: DisagreementQuery,
  output: Disagreement,
  csv: [
    { title: 'Opportunity', field: 'opportunityId' },
    { title: 'Amount (minor units)', field: 'amountMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Model', field: 'model' },
    { title: 'CRM', field: 'crm' },
    { title: 'Customer', field: 'customer' },
    { title: 'Rep', field: 'rep' },
    { title: 'Resolved', field: 'resolved' },
  ],
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [pairs, deals] = await Promise.all([countPairs(tx, lens), listDisputed(tx, lens, query)])
    const { window } = lens.answer
    const page = cutPage(deals, query.limit, (deal) => [deal.amountMinor, deal.opportunityId])
    return {
      ...lens.answer,
      agreement: agreementOf(pairs),
      data: page.data.map((deal) => ({
        ...deal,
        receipt: `/api/v1/attribution/receipts/${deal.opportunityId}?window=${window}`,
      })),
      nextCursor: page.nextCursor,
    }
  },
})

function agreementOf(pairs: readonly PairRow[]) {
  const groups = Map.groupBy(pairs, ({ voice, other }) => `${voice} ${other}`)
  return [...groups.values()].map((rows) => {
    const { voice, other } = rows[0]!
    const sum = (some: readonly PairRow[]) => some.reduce((total, row) => total + row.deals, 0)
    const [deals, agree] = [sum(rows), sum(rows.filter((row) => row.said === row.otherSaid))]
    return {
      voice,
      other,
      deals,
      agree,
      rate: deals === 0 ? null : agree / deals,
      matrix: rows.map((row) => ({ voice: row.said, other: row.otherSaid, deals: row.deals })),
    }
  })
}
