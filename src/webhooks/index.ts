import type { Module } from '#module.ts'
import { createDeliveryJob, dueTimer, messageSubscriber } from './deliver.ts'
import {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhooks,
  testWebhookEndpoint,
} from './delivery.operations.ts'
import type { Egress } from '#egress/egress.ts'
import { createEndpointOperations } from './endpoint.operations.ts'
import { webhooksRetained } from './retained-store.ts'
import { webhookWatches } from './watches.ts'

/** Tells other systems what happens here, through `egress`. */
export function createWebhooks(egress: Egress): Module {
  return {
    name: 'webhooks',
    operations: [
      ...createEndpointOperations(egress),
      listWebhookDeliveries,
      getWebhookDelivery,
      replayWebhooks,
      testWebhookEndpoint,
    ],
    entities: [],
    jobs: [createDeliveryJob(egress)],
    subscribers: [messageSubscriber],
    timers: [dueTimer],
    retained: webhooksRetained,
    watches: webhookWatches,
  }
}
