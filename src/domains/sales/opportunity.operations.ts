import { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import {
  OpportunityDetail,
  OpportunityPage,
  OpportunityPath,
  OpportunityQuery,
} from './opportunity.schema.ts'
import {
  findOpportunity,
  listOpportunities as listOpportunityRows,
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
  async perform({ opportunityId }, { tx }) {
    const state = await findOpportunity(tx, opportunityId)
    if (state === null)
      throw new Problem('resource.not_found', 'There is no opportunity with this id.')
    if (state.deletedAt !== null)
      throw new Problem('resource.gone', 'The opportunity was deleted in the CRM.')
    const stages = await listStageEntries(tx, opportunityId)
    return {
      ...toOpportunity(state),
      stages,
      people: await listOpportunityPeople(tx, opportunityId),
    }
  },
})

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
