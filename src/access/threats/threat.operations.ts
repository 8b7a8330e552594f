import * as schema from '#access/threats/threat.schema.ts'
import { openPlace } from '#access/threats/signal.store.ts'
import * as store from '#access/threats/threat.store.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import {
  defineOperation,
  type Operation,
  type OperationContext,
  type Principal,
} from '#gateway/operation.ts'
import { z } from 'zod'

const FIGURES_MS = 90 * DAY_MS
const reading = { scope: 'security:read', tag: 'Security', outsideClamp: true } as const
const deciding = {
  scope: 'security:write',
  tag: 'Security',
  outsideClamp: true,
  freshWithinMinutes: 15,
} as const

const notFound = () => new Problem('resource.not_found', 'There is no threat with this id.')
const beforeOf = (cursor: string | undefined) =>
  cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])

const listThreats = defineOperation({
  ...reading,
  id: 'listThreats',
  method: 'GET',
  path: '/api/v1/security/threats',
  summary: 'List signs of attacks, newest first',
  input: schema.ListThreats,
  output: Page(schema.Threat),
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Kind', field: 'kind' },
    { title: 'About', field: 'subjectKind' },
    { title: 'Subject', field: 'subject' },
    { title: 'State', field: 'state' },
    { title: 'First seen', field: 'firstSeenAt' },
    { title: 'Last seen', field: 'lastSeenAt' },
    { title: 'Evidence', field: 'evidence' },
  ],
  async perform({ limit, cursor, state, kind }, { tx }) {
    const filter = { state: state ?? null, kind: kind ?? null, before: beforeOf(cursor) }
    return cutPage(await store.listThreats(tx, filter, limit), limit, (row) => [row.id])
  },
})

const getThreat = defineOperation({
  ...reading,
  id: 'getThreat',
  method: 'GET',
  path: '/api/v1/security/threats/{threatId}',
  summary: 'See one threat with its evidence, what was done, and where the credential is used',
  input: schema.ThreatRef,
  output: schema.ThreatDetail,
  async perform({ threatId }, { tx }) {
    const row = await store.findThreat(tx, threatId)
    if (!row) throw notFound()
    const { place, ...threat } = row
    const filter = { threatId, activeAt: null, before: null }
    const measures = await store.listMeasures(tx, filter, 50)
    const uses = await store.listUses(tx, row.subjectKind, row.subject)
    return {
      ...threat,
      address: place && store.openAddress(tx.sealer, row.subject, place),
      measures: measures.slice(0, 50),
      uses: uses.map(({ place: sealed, ...use }) => ({
        ...use,
        ...openPlace(tx.sealer, row.subject, sealed),
      })),
    }
  },
})

const decideThreat = defineOperation({
  ...deciding,
  id: 'decideThreat',
  method: 'POST',
  path: '/api/v1/security/threats/{threatId}/decision',
  summary: 'Say whether a threat was one',
  description:
    'confirmed: measures stay until they end. dismissed: it was none; the places of the credential are known from now on. Undo takes measures back.',
  status: 200,
  subject: (threat) => threat.id,
  input: schema.Decision,
  output: schema.Threat,
  async perform({ threatId, decision }, context) {
    const { tx, now } = context
    const row = await find(threatId, context)
    if (decision === 'dismissed') await store.markUsesKnown(tx, row.subjectKind, row.subject)
    const decided = await store.decideThreat(tx, threatId, decision, context.principal.id, now)
    if (!decided) throw notFound()
    context.audit({ action: `threat.${decision}`, subjectId: threatId, detail: { kind: row.kind } })
    return decided
  },
})

const undoThreat = defineOperation({
  ...deciding,
  id: 'undoThreat',
  method: 'POST',
  path: '/api/v1/security/threats/{threatId}/undo',
  summary: 'Take back what was done about a threat',
  description:
    'Blocks, quarantines and clamps end at once, in every process. An open threat counts as dismissed. A session that was ended stays so: sign in anew.',
  status: 200,
  event: 'threat.undone',
  subject: (threat) => threat.id,
  input: schema.ThreatRef,
  output: schema.Threat,
  async perform({ threatId }, context) {
    const { tx, now, principal } = context
    const row = await find(threatId, context)
    const measures = await store.undoMeasures(tx, threatId, principal.id, now)
    await store.markUsesKnown(tx, row.subjectKind, row.subject)
    const state = row.state === 'confirmed' ? 'confirmed' : 'dismissed'
    const decided = await store.decideThreat(tx, threatId, state, principal.id, now)
    if (!decided) throw notFound()
    context.audit({
      action: 'threat.undone',
      subjectId: threatId,
      detail: { kind: row.kind, measures },
    })
    return decided
  },
})

/** @throws Problem `resource.not_found`, or `threat.own_credential`: whoever took a key would clear it by the key itself. */
async function find(
  threatId: string,
  { tx, principal }: OperationContext,
): Promise<store.ThreatRow> {
  const row = await store.findThreat(tx, threatId)
  if (!row) throw notFound()
  if (isOwn(row.subject, principal))
    throw new Problem(
      'threat.own_credential',
      'This threat is about the credential that you use: decide it with another one, or signed in as a person.',
    )
  return row
}

/** A person at the console has proved themselves a moment ago, and may decide about themselves: else the last one could not. */
function isOwn(subject: string, principal: Principal): boolean {
  return principal.session === undefined && subject.split(' ').includes(principal.id)
}

const listMeasures = defineOperation({
  ...reading,
  id: 'listThreatMeasures',
  method: 'GET',
  path: '/api/v1/security/measures',
  summary: 'List blocks, quarantines and clamps, newest first',
  input: schema.ListMeasures,
  output: Page(schema.Measure),
  async perform({ limit, cursor, active }, { tx, now }) {
    const filter = { threatId: null, activeAt: active ? now : null, before: beforeOf(cursor) }
    return cutPage(await store.listMeasures(tx, filter, limit), limit, (row) => [row.id])
  },
})

const getPolicy = defineOperation({
  ...reading,
  id: 'getThreatPolicy',
  method: 'GET',
  path: '/api/v1/security/policy',
  summary: 'See from when on signs are told, and what is done about each kind',
  input: z.object({}),
  output: schema.PolicyView,
  version: (view) => view.version,
  perform: (_input, { tx }) => store.findPolicy(tx),
})

const putPolicy = defineOperation({
  ...deciding,
  id: 'putThreatPolicy',
  method: 'PUT',
  path: '/api/v1/security/policy',
  summary: 'Set from when on signs are told, and what is done about each kind',
  description: 'What is left out goes back to its default. It holds from the next round on.',
  input: schema.PolicyChange,
  output: schema.PolicyView,
  version: (view) => view.version,
  async perform({ policy }, context) {
    const { tx, now, expectedVersion } = context
    const before = await store.findPolicy(tx)
    const version = await store.savePolicy(tx, tx.workspaceId, policy, expectedVersion, now)
    if (version === null)
      throw new Problem(
        'resource.version_mismatch',
        'The policy was changed in the meantime: read it again.',
      )
    context.audit({
      action: 'threat.policy',
      subjectId: tx.workspaceId,
      detail: { before: before.policy, after: policy },
    })
    return { policy, version }
  },
})

const getFigures = defineOperation({
  ...reading,
  id: 'getThreatFigures',
  method: 'GET',
  path: '/api/v1/security/figures',
  summary: 'See how many threats there were in 90 days, and how many were none',
  input: z.object({}),
  output: schema.ThreatFigures,
  async perform(_input, { tx, now }) {
    const from = new Date(now.getTime() - FIGURES_MS)
    const rows = await store.countThreats(tx, from)
    const kinds = rows.map((row) => {
      const decided = row.confirmed + row.dismissed
      return { ...row, falseShare: decided === 0 ? null : row.dismissed / decided }
    })
    return { from, kinds }
  },
})

/** Threats, what is done about them, and from when on. */
export const threatOperations: Operation[] = [
  listThreats,
  getThreat,
  decideThreat,
  undoThreat,
  listMeasures,
  getPolicy,
  putPolicy,
  getFigures,
]
