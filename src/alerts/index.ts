import type { Module } from '#module.ts'
import { createAlertOperations } from './alert.operations.ts'
import { channelWatch } from './channel-watch.ts'
import { createChannelOperations } from './channel.operations.ts'
import { createDeliveryJob, dueTimer, type WaysOut } from './deliver.ts'
import { createLookTimer, tidyTimer } from './look.ts'
import type { Watch } from './watch.ts'

/** Tells people what is wrong: once when it begins and once when it is over. */
export function createAlerts({
  watches: shown,
  publicUrl,
  ...ways
}: WaysOut & { watches: readonly Watch[]; publicUrl: () => string }): Module {
  const watches = [...shown, channelWatch]
  return {
    name: 'alerts',
    operations: [...createAlertOperations(watches), ...createChannelOperations(ways, publicUrl)],
    entities: [],
    jobs: [createDeliveryJob(ways)],
    subscribers: [],
    timers: [createLookTimer({ watches, publicUrl }), dueTimer, tidyTimer],
  }
}
