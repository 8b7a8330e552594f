import type { ObjectTypeName } from './object-types.ts'

/** HubSpot docs: pipelines. Metadata values are strings, also the numbers and booleans. */
export interface Pipeline {
  id: string
  label: string
  displayOrder: number
  stages: Stage[]
  createdAtMs: number
  updatedAtMs: number
}

export interface Stage {
  id: string
  label: string
  displayOrder: number
  metadata: Record<string, string>
  createdAtMs: number
  updatedAtMs: number
}

const DEAL_STAGES: readonly (readonly [string, string, string])[] = [
  ['appointmentscheduled', 'Appointment Scheduled', '0.2'],
  ['qualifiedtobuy', 'Qualified To Buy', '0.4'],
  ['presentationscheduled', 'Presentation Scheduled', '0.6'],
  ['decisionmakerboughtin', 'Decision Maker Bought-In', '0.8'],
  ['contractsent', 'Contract Sent', '0.9'],
  ['closedwon', 'Closed Won', '1.0'],
  ['closedlost', 'Closed Lost', '0.0'],
]

/** The pipelines an account starts with, by object type. */
export function defaultPipelines(): Map<ObjectTypeName, Pipeline[]> {
  const deals = DEAL_STAGES.map(([id, label, probability]) => {
    const isClosed = probability === '1.0' || probability === '0.0'
    return { id, label, metadata: { isClosed: String(isClosed), probability } }
  })
  const lifecycle = [
    ['subscriber', 'Subscriber'],
    ['lead', 'Lead'],
    ['marketingqualifiedlead', 'Marketing Qualified Lead'],
    ['salesqualifiedlead', 'Sales Qualified Lead'],
    ['opportunity', 'Opportunity'],
    ['customer', 'Customer'],
    ['evangelist', 'Evangelist'],
    ['other', 'Other'],
  ].map(([id = '', label = '']) => ({ id, label, metadata: { isClosed: 'false', state: 'OPEN' } }))
  const tickets = ['New', 'Waiting on contact', 'Waiting on us', 'Closed'].map((label, i) => ({
    id: String(i + 1),
    label,
    metadata: { isClosed: String(label === 'Closed'), ticketState: i === 3 ? 'CLOSED' : 'OPEN' },
  }))
  const leads = ['New', 'Attempting', 'Connected', 'Qualified', 'Disqualified'].map((label) => ({
    id: `${label.toLowerCase()}-stage-id`,
    label,
    metadata: { isClosed: String(label === 'Qualified' || label === 'Disqualified') },
  }))
  return new Map([
    ['contacts', [pipeline('contacts-lifecycle-pipeline', 'Lifecycle Stage Pipeline', lifecycle)]],
    [
      'companies',
      [pipeline('companies-lifecycle-pipeline', 'Lifecycle Stage Pipeline', lifecycle)],
    ],
    ['deals', [pipeline('default', 'Sales Pipeline', deals)]],
    ['tickets', [pipeline('0', 'Support Pipeline', tickets)]],
    ['leads', [pipeline('lead-pipeline-id', 'Lead Pipeline', leads)]],
  ])
}

function pipeline(
  id: string,
  label: string,
  stages: { id: string; label: string; metadata: Record<string, string> }[],
): Pipeline {
  const times = { createdAtMs: 0, updatedAtMs: 0 }
  const placed = stages.map((stage, i) => ({ ...stage, displayOrder: i, ...times }))
  return { id, label, displayOrder: 0, stages: placed, ...times }
}

/** The stage with this id within a pipeline, or in any when the pipeline is not known. */
export function findStage(
  pipelines: readonly Pipeline[],
  pipelineId: string | undefined,
  stageId: string | undefined,
): Stage | null {
  for (const { id, stages } of pipelines) {
    if (pipelineId !== undefined && id !== pipelineId) continue
    const stage = stages.find((each) => each.id === stageId)
    if (stage) return stage
  }
  return null
}
