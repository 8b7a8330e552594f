import { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import {
  OpportunityDetail,
  OpportunityPage,
  OpportunityPath,
  OpportunityPeople,
  OpportunityQuery,
} from './opportunity.schema.ts'
import { opportunityEntity } from './opportunity.entity.ts'
import {
  findOpportunities,
  findOpportunity,
  findPeopleOfLeads,
  listOpportunities as listOpportunityRows,
  listExpectedCloses,
  listOpportunityPeople,
  listStageEntries,
  toOpportunity,
} from './opportunity.store.ts'
import { PipelineList } from './pipeline.schema.ts'
import { listPipelines as listPipelineRows } from './pipeline.store.ts'

export const listOpportunities = defineOperation({
  id: 'listOpportunities',
  method: 'GET',
  path: '/api/v1/opportunities',
  scope: 'opportunities:read',
  tag: 'Opportunities',
  summary: 'List opportunities, last opened first',
  input: OpportunityQuery,
  output: OpportunityPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Name', field: 'name' },
    { title: 'Amount in minor units', field: 'amountMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Status', field: 'status' },
    { title: 'Pipeline', field: 'pipelineId' },
    { title: 'Stage', field: 'stageId' },
    { title: 'Owner', field: 'ownerId' },
    { title: 'Opened', field: 'openedAt' },
    { title: 'Closed', field: 'closedAt' },
    { title: 'Expected to close', field: 'closesOn' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const [openedAt, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after = id === undefined ? null : { openedAt: String(openedAt), id: String(id) }
    const rows = await listOpportunityRows(tx, filter, { limit, after })
    return cutPage(rows, limit, (row) => [row.openedAt.toISOString(), row.id])
  },
})

export const getOpportunity = defineOperation({
  id: 'getOpportunity',
  method: 'GET',
  path: '/api/v1/opportunities/{opportunityId}',
  scope: 'opportunities:read',
  tag: 'Opportunities',
  summary: 'An opportunity with its way through the stages and its people',
  version: ({ version }) => version,
  input: OpportunityPath,
  output: OpportunityDetail,
  perform: ({ opportunityId }, { tx }) => detailOf(tx, opportunityId),
})

/** Goes the way of a write from a CRM, so that leads follow: sales has qualified whom it works on a deal with. */
export const setOpportunityPeople = defineOperation({
  id: 'setOpportunityPeople',
  method: 'PUT',
  path: '/api/v1/opportunities/{opportunityId}/people',
  scope: 'opportunities:write',
  tag: 'Opportunities',
  summary: 'Say who the people of an opportunity are, and in which roles',
  description:
    'CRMs that have the opportunity get whoever they know of them. Their own people that the hub does not know stay.',
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: OpportunityPeople,
  output: OpportunityDetail,
  async perform({ opportunityId, people }, context) {
    const { tx, now, expectedVersion } = context
    const [state] = await findOpportunities(tx, [opportunityId])
    if (!state) throw new Problem('resource.not_found', 'There is no opportunity with this id.')
    if (state.deletedAt !== null)
      throw new Problem('resource.gone', 'The opportunity was deleted in the CRM.')
    if (expectedVersion !== null && expectedVersion !== state.version)
      throw new Problem(
        'resource.version_mismatch',
        'The opportunity changed since you read it: read it again and repeat the change.',
      )
    const known = await findPeopleOfLeads(
      tx,
      people.map(({ leadId }) => leadId),
    )
    const strangers = people.flatMap(({ leadId }, i) =>
      known.has(leadId)
        ? []
        : [{ pointer: `/people/${i}/leadId`, detail: 'There is no such lead.' }],
    )
    const mains = people.filter(({ isPrimary }) => isPrimary)
    if (mains.length > 1)
      strangers.push({ pointer: '/people', detail: 'One of them is the main one at most.' })
    if (strangers.length > 0)
      throw new Problem('request.invalid', strangers[0]!.detail, { errors: strangers })
    const named = people.map(({ leadId, role }) => ({ localId: leadId, externalId: '', role }))
    const { events } = await opportunityEntity.write!(
      tx,
      [
        {
          localId: opportunityId,
          externalId: '',
          deleted: false,
          modifiedAt: now,
          values: {},
          references: {
            leads: named,
            primaryLead: named.filter(({ localId }) => localId === mains[0]?.leadId),
          },
        },
      ],
      now,
    )
    for (const event of events) context.emit(event)
    return detailOf(tx, opportunityId)
  },
})

async function detailOf(tx: Transaction, opportunityId: string) {
  const state = await findOpportunity(tx, opportunityId)
  if (state === null)
    throw new Problem('resource.not_found', 'There is no opportunity with this id.')
  if (state.deletedAt !== null)
    throw new Problem('resource.gone', 'The opportunity was deleted in the CRM.')
  const stages = await listStageEntries(tx, opportunityId)
  return {
    ...toOpportunity(state),
    stages,
    expectedCloses: await listExpectedCloses(tx, opportunityId),
    people: await listOpportunityPeople(tx, opportunityId),
  }
}

export const listPipelines = defineOperation({
  id: 'listPipelines',
  method: 'GET',
  path: '/api/v1/pipelines',
  scope: 'opportunities:read',
  tag: 'Opportunities',
  summary: 'Pipelines with their stages',
  input: z.object({}),
  output: PipelineList,
  async perform(_input, { tx }) {
    const { pipelines, stages } = await listPipelineRows(tx)
    const data = pipelines.map((pipeline) => ({
      ...pipeline,
      stages: stages.filter(({ pipelineId }) => pipelineId === pipeline.id),
    }))
    return { data, nextCursor: null }
  },
})
