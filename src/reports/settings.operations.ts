import { z } from 'zod'
import { defineOperation } from '#gateway/operation.ts'
import { Recomputed, Windows } from '#reports/credit.schema.ts'
import { markAllDirty } from '#reports/dirty.store.ts'
import { listWindows, lockLedger, replaceWindows } from '#reports/ledger.store.ts'
import { windowDaysOf, windowOf } from '#reports/lens.store.ts'

export const getAttributionWindows = defineOperation({
  id: 'getAttributionWindows',
  method: 'GET',
  path: '/api/v1/attribution/windows',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'The windows for which a ledger is kept',
  input: z.object({}),
  output: Windows,
  async perform(_input, { tx }) {
    return { windows: (await listWindows(tx)).map(windowOf) }
  },
})

export const putAttributionWindows = defineOperation({
  id: 'putAttributionWindows',
  method: 'PUT',
  path: '/api/v1/attribution/windows',
  scope: 'attribution:write',
  tag: 'Attribution',
  summary: 'Keep a ledger for these windows and no others',
  description:
    'A new window is computed for all won deals in the background; the figures of one that is left out stay to be read as of ' +
    'the time when it was kept.',
  input: Windows,
  output: Windows,
  event: 'attribution.windows_changed',
  subject: () => 'attribution',
  async perform({ windows }, { tx, now }) {
    await lockLedger(tx)
    const isChanged = await replaceWindows(tx, windows.map(windowDaysOf), now)
    if (isChanged) await markAllDirty(tx, now)
    return { windows: (await listWindows(tx)).map(windowOf) }
  },
})

export const recomputeAttribution = defineOperation({
  id: 'recomputeAttribution',
  method: 'POST',
  path: '/api/v1/attribution/recompute',
  scope: 'attribution:write',
  tag: 'Attribution',
  summary: 'Compute the whole ledger again',
  description:
    'Marks every deal; the work is done in the background. Until then, answers name the deals that are left.',
  input: z.object({}),
  output: Recomputed,
  status: 202,
  event: 'attribution.recompute_requested',
  subject: () => 'attribution',
  async perform(_input, { tx, now }) {
    return { deals: await markAllDirty(tx, now) }
  },
})
