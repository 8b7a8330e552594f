import { z } from 'zod'
import { Id } from '#core/id.ts'
import { cutPage, Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { defineOperation } from '#gateway/operation.ts'
import { placeOf } from '#people/person.operations.ts'
import { listQuarantined } from './tracking.store.ts'

const QuarantinedEvent = z.object({
  id: Id('evt'),
  source: z.string(),
  reason: z.string(),
  payload: z.unknown().meta({ personal: 'behaviour', description: 'The event as it came.' }),
  receivedAt: Instant,
})

export const listQuarantinedEvents = defineOperation({
  id: 'listQuarantinedEvents',
  method: 'GET',
  path: '/api/v1/quarantined-events',
  scope: 'touchpoints:read',
  tag: 'Marketing',
  summary: 'List tracking events that could not be used, newest first',
  description:
    'The tracking API accepts a delivery whole; what cannot be used is kept here with the reason.',
  input: PageQuery,
  output: Page(QuarantinedEvent),
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Received', field: 'receivedAt' },
    { title: 'Source', field: 'source' },
    { title: 'Reason', field: 'reason' },
    { title: 'Event', field: 'payload' },
  ],
  async perform({ limit, cursor }, { tx }) {
    const rows = await listQuarantined(tx, limit, placeOf(limit, cursor).after)
    return cutPage(rows, limit, (event) => [event.receivedAt.toISOString(), event.id])
  },
})
