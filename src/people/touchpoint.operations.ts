import type { z } from 'zod'
import { cutPage } from '#core/page.ts'
import type { Problem } from '#core/problem.ts'
import { defineOperation, type OperationContext, type Settled } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import type { Capture, Captured } from './capture.ts'
import { captureAll } from './capture.store.ts'
import { channelKey } from './channel.rules.ts'
import { findFault, refusal, touchCapture } from './input.rules.ts'
import { getSurvivor, placeOf } from './person.operations.ts'
import { listTimeline, listTouchpoints as listTouchpointRows } from './touchpoint-list.store.ts'
import {
  NewTouchpoint,
  RecordedTouchpoint,
  Timeline,
  TimelineQuery,
  TouchpointPage,
  TouchpointQuery,
} from './touchpoint.schema.ts'
import { findCampaigns } from './touchpoint.store.ts'

type Recorded = z.output<typeof RecordedTouchpoint>

export const recordTouchpoint = defineOperation({
  id: 'recordTouchpoint',
  method: 'POST',
  path: '/api/v1/touchpoints',
  scope: 'touchpoints:write',
  tag: 'People',
  summary: 'Record a marketing interaction',
  description:
    'Finds or makes the person, works out the channel if none is given, and joins the touch with its campaign by id, ' +
    'key or utm_campaign. A messageId that its source sent before answers the first touchpoint with 200.',
  status: 201,
  subject: ({ id }) => id,
  input: NewTouchpoint,
  output: RecordedTouchpoint,
  batch: { key: 'touchpoints', max: 1000 },
  performMany: (inputs, context) => recordAll(inputs, context),
})

async function recordAll(
  inputs: z.output<typeof NewTouchpoint>[],
  context: OperationContext,
): Promise<Settled<Recorded>[]> {
  const { tx, now } = context
  const campaignIds = await findNamedCampaigns(tx, inputs)
  const captures: Capture[] = []
  const planned = inputs.map((input): Problem | null => {
    const fault = findFault(input, now)
    if (fault !== null) return fault
    const campaignId = input.campaign === undefined ? undefined : campaignIds.get(input.campaign)
    if (input.campaign !== undefined && campaignId === undefined) {
      return refusal('/campaign', 'There is no such campaign: make it first, or check its key.')
    }
    captures.push(touchCapture(input, campaignId, now))
    return null
  })
  const { outcomes, events } = await captureAll(tx, captures, now)
  for (const event of events) context.emit(event)
  let next = 0
  return planned.map((problem) => {
    if (problem !== null) return { kind: 'refused', problem }
    const output = toRecorded(outcomes[next++]!)
    return { kind: 'done', output, status: output.isNew ? 201 : 200 }
  })
}

function toRecorded(captured: Captured): Recorded {
  const { personId, touchpointId, isNewTouch, isNewPerson, channel, campaignId } = captured
  return {
    id: touchpointId as `tch_${string}`,
    personId: personId as `per_${string}`,
    isNew: isNewTouch,
    isNewPerson,
    channel,
    campaignId: campaignId as `cmp_${string}` | null,
    conflictId: (captured.conflictId as `conf_${string}` | undefined) ?? null,
  }
}

/** The campaigns that inputs name, by the words in which they name them. */
async function findNamedCampaigns(
  tx: Transaction,
  inputs: readonly NewTouchpoint[],
): Promise<Map<string, string>> {
  const names = [...new Set(inputs.flatMap(({ campaign }) => campaign ?? []))]
  if (names.length === 0) return new Map()
  const campaigns = await findCampaigns(
    tx,
    names,
    names.map((name) => name.toLowerCase()),
  )
  const ids = new Map(campaigns.flatMap(({ id, key }) => [[id, id] as const, [key, id] as const]))
  return new Map(
    names.flatMap((name) => {
      const id = ids.get(name) ?? ids.get(name.toLowerCase())
      return id === undefined ? [] : [[name, id] as const]
    }),
  )
}

export const listTouchpoints = defineOperation({
  id: 'listTouchpoints',
  method: 'GET',
  path: '/api/v1/touchpoints',
  scope: 'touchpoints:read',
  tag: 'People',
  summary: 'List touchpoints, newest first',
  input: TouchpointQuery,
  output: TouchpointPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Person', field: 'personId' },
    { title: 'Kind', field: 'kind' },
    { title: 'Channel', field: 'channel' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Occurred', field: 'occurredAt' },
    { title: 'Received', field: 'receivedAt' },
    { title: 'Source', field: 'source' },
    { title: 'UTM source', field: 'utm.source' },
    { title: 'UTM medium', field: 'utm.medium' },
    { title: 'UTM campaign', field: 'utm.campaign' },
    { title: 'UTM term', field: 'utm.term' },
    { title: 'UTM content', field: 'utm.content' },
  ],
  async perform({ limit, cursor, channel, ...filter }, { tx }) {
    const named = channel === undefined ? filter : { ...filter, channel: channelKey(channel) }
    const rows = await listTouchpointRows(tx, named, placeOf(limit, cursor))
    return cutPage(rows, limit, (touch) => [touch.occurredAt.toISOString(), touch.id])
  },
})

export const getTimeline = defineOperation({
  id: 'getTimeline',
  method: 'GET',
  path: '/api/v1/people/{personId}/timeline',
  scope: 'people:read',
  tag: 'People',
  summary: 'What a person did, newest first',
  input: TimelineQuery,
  output: Timeline,
  csv: [
    { title: 'Occurred', field: 'occurredAt' },
    { title: 'Kind', field: 'kind' },
    { title: 'Channel', field: 'channel' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Source', field: 'source' },
    { title: 'Page', field: 'detail.url' },
    { title: 'Referrer', field: 'detail.referrer' },
  ],
  async perform({ personId, limit, cursor }, { tx }) {
    const person = await getSurvivor(tx, personId)
    const rows = await listTimeline(tx, person.id, placeOf(limit, cursor))
    return cutPage(rows, limit, (touch) => [touch.occurredAt.toISOString(), touch.id])
  },
})
