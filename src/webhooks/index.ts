import type { Module } from '#module.ts'
import { createDeliveryJob, dueTimer, messageSubscriber } from './deliver.ts'
import {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhooks,
  testWebhookEndpoint,
} from './delivery.operations.ts'
import { Egress } from './egress.ts'
import { createEndpointOperations } from './endpoint.operations.ts'
import { webhooksRetained } from './retained-store.ts'

/**
 * Tells other systems what happens here.
 * @param egressAllow  inner addresses, as host:port, that messages may be sent to besides public ones.
 */
export function createWebhooks(egressAllow: readonly string[]): Module {
  const egress = new Egress(egressAllow)
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
  }
}
