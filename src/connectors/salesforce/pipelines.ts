import type { Candidate } from '#sync/entity.ts'
import type { SfRow } from './answers.ts'
import type { SalesforceClient } from './client.ts'
import { MASTER_TYPE, stageId } from './mapping.ts'

interface Pipeline {
  id: string
  label: string
  archived: boolean
}

/**
 * Salesforce has no pipelines: a record type of opportunities with its sales process is one. The master type stands for
 * opportunities without a record type.
 */
async function readPipelines(client: SalesforceClient, signal: AbortSignal): Promise<Pipeline[]> {
  const { recordTypeInfos } = await client.describe('Opportunity', signal)
  const own = recordTypeInfos.filter(({ master }) => !master)
  const pipelines = own.map(({ recordTypeId, name, active }) => ({
    id: recordTypeId,
    label: name,
    archived: !active,
  }))
  const isOnly = pipelines.every(({ archived }) => archived)
  return [...pipelines, { id: MASTER_TYPE, label: 'Opportunities', archived: !isOnly }]
}

export async function pipelinesOf(
  client: SalesforceClient,
  signal: AbortSignal,
): Promise<Candidate[]> {
  return (await readPipelines(client, signal)).map(({ id, label, archived }) => ({
    externalId: id,
    modifiedAt: null,
    deleted: false,
    values: { label, archived },
    references: {},
  }))
}

/** Every stage in every pipeline; those that a record type does not show are archived there, not missing. */
export async function stagesOf(
  client: SalesforceClient,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const soql =
    'SELECT Id, ApiName, MasterLabel, IsActive, IsClosed, IsWon, DefaultProbability, SortOrder FROM OpportunityStage ORDER BY SortOrder'
  const rows = await client.queryWhole(soql, signal)
  const candidates: Candidate[] = []
  for (const pipeline of await readPipelines(client, signal)) {
    const isShown = await shownStages(client, pipeline, signal)
    for (const row of rows) candidates.push(stageOf(row, pipeline, isShown))
  }
  return candidates
}

/** What `stagesOf` takes: the stages, and which of them each record type shows. */
export async function stageCalls(client: SalesforceClient, signal: AbortSignal): Promise<number> {
  return 1 + (await readPipelines(client, signal)).filter(showsSome).length
}

/** The master type and those that are out of use show all. */
function showsSome({ id, archived }: Pipeline): boolean {
  return id !== MASTER_TYPE && !archived
}

async function shownStages(
  client: SalesforceClient,
  pipeline: Pipeline,
  signal: AbortSignal,
): Promise<(name: string) => boolean> {
  if (!showsSome(pipeline)) return () => true
  const names = new Set(await client.picklist('Opportunity', pipeline.id, 'StageName', signal))
  return (name) => names.has(name)
}

function stageOf(row: SfRow, pipeline: Pipeline, isShown: (name: string) => boolean): Candidate {
  const name = String(row['ApiName'])
  const label = row['MasterLabel']
  const percent = Number(row['DefaultProbability'] ?? 0)
  const outcome = row['IsWon'] === true ? 'won' : row['IsClosed'] === true ? 'lost' : 'open'
  return {
    externalId: stageId(pipeline.id, name),
    modifiedAt: null,
    deleted: false,
    values: {
      label: typeof label === 'string' && label !== '' ? label : name,
      position: Number(row['SortOrder'] ?? 0),
      probability: Math.min(1, Math.max(0, percent / 100)),
      outcome,
      archived: pipeline.archived || row['IsActive'] !== true || !isShown(name),
    },
    references: { pipeline: { entity: 'pipeline', externalIds: [pipeline.id] } },
  }
}
