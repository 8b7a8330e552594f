import { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { rhythmOf } from './alert.rules.ts'
import {
  Acknowledgement,
  Alert,
  AlertDetail,
  AlertId,
  AlertQuery,
  Mute,
  MuteId,
  NewMute,
  WatchView,
} from './alert.schema.ts'
import { acknowledge, insertHistory, listAlerts, listHistory } from './alert.store.ts'
import { listSent } from './message.store.ts'
import { countMutes, deleteMute, insertMute, listMutes } from './mute.store.ts'
import type { Watch } from './watch.ts'

const tag = 'Alerts'
const MAX_MUTES = 200
/** What nobody wants to hear of for longer is better left out of a channel. */
const MAX_MUTE_MS = 90 * DAY_MS

const listAll = defineOperation({
  id: 'listAlerts',
  method: 'GET',
  path: '/api/v1/alerts',
  scope: 'alerts:read',
  tag,
  summary: 'List alerts, the newest first',
  description:
    'An alert is one thing that is wrong, from when it was found until it is gone. It is told once when it begins and once when it is over.',
  input: AlertQuery,
  output: Page(Alert),
  csv: [
    { title: 'Alert', field: 'id' },
    { title: 'Watch', field: 'watch' },
    { title: 'Severity', field: 'severity' },
    { title: 'Summary', field: 'summary' },
    { title: 'State', field: 'state' },
    { title: 'Began', field: 'firedAt' },
    { title: 'Over', field: 'resolvedAt' },
    { title: 'Times', field: 'openings', type: 'number' },
    { title: 'Acknowledged', field: 'acknowledgedAt' },
    { title: 'Note', field: 'note' },
  ],
  async perform({ cursor, limit, ...filter }, { tx, now }) {
    const [before] = cursor === undefined ? [null] : decodeCursor(cursor, 1)
    const rows = await listAlerts(tx, filter, before as string | null, limit + 1, now)
    return cutPage(rows, limit, ({ id }) => [id])
  },
})

const getOne = defineOperation({
  id: 'getAlert',
  method: 'GET',
  path: '/api/v1/alerts/{alertId}',
  scope: 'alerts:read',
  tag,
  summary: 'One alert, with its history and what each channel was told',
  version: ({ version }) => version,
  input: z.object({ alertId: AlertId }),
  output: AlertDetail,
  async perform({ alertId }, { tx, now }) {
    const alert = await getAlert(tx, alertId, now)
    return {
      ...alert,
      history: await listHistory(tx, alertId),
      sent: await listSent(tx, alertId),
    }
  },
})

const acknowledgeOne = defineOperation({
  id: 'acknowledgeAlert',
  method: 'POST',
  path: '/api/v1/alerts/{alertId}/acknowledge',
  scope: 'alerts:write',
  status: 200,
  tag,
  summary: 'Say that somebody is at it',
  description: 'It stays open until it is over, and shows who took it and their note.',
  event: 'alert.acknowledged',
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: Acknowledgement,
  output: Alert,
  async perform({ alertId, note }, { tx, now, principal }) {
    const alert = await getAlert(tx, alertId, now)
    if (alert.state === 'resolved')
      throw new Problem('alert.over', 'The alert is over: there is nothing left to take on.')
    const by = principal.id
    await acknowledge(tx, alertId, { by, note: note ?? null }, now)
    await insertHistory(tx, [{ alertId, what: 'acknowledged', by, note: note ?? null }], now)
    return getAlert(tx, alertId, now)
  },
})

const listAllMutes = defineOperation({
  id: 'listAlertMutes',
  method: 'GET',
  path: '/api/v1/alerts/mutes',
  scope: 'alerts:read',
  tag,
  summary: 'List what is muted',
  input: PageQuery,
  output: Page(Mute),
  async perform({ cursor, limit }, { tx, now }) {
    const [after] = cursor === undefined ? [''] : decodeCursor(cursor, 1)
    const rows = await listMutes(tx, String(after), limit + 1, now)
    return cutPage(rows, limit, ({ id }) => [id])
  },
})

const deleteOneMute = defineOperation({
  id: 'deleteAlertMute',
  method: 'DELETE',
  path: '/api/v1/alerts/mutes/{muteId}',
  scope: 'alerts:write',
  status: 204,
  tag,
  summary: 'End a mute',
  description: 'What fires meanwhile and was not told is told then.',
  subject: (_output, { muteId }) => muteId,
  row: { table: 'alert_mutes', key: 'id', field: 'muteId', columns: ['watch', 'until'] },
  input: z.object({ muteId: MuteId }),
  output: z.null(),
  async perform({ muteId }, { tx }) {
    if (!(await deleteMute(tx, muteId)))
      throw new Problem('resource.not_found', 'There is no mute with this id.')
    return null
  },
})

/** The operations on alerts; what can be muted is what `watches` look for. */
export function createAlertOperations(watches: readonly Watch[]): Operation[] {
  const listWatches = defineOperation({
    id: 'listAlertWatches',
    method: 'GET',
    path: '/api/v1/alerts/watches',
    scope: 'alerts:read',
    tag,
    summary: 'List what is watched',
    input: z.object({}),
    output: z.object({ data: z.array(WatchView) }),
    perform: () =>
      Promise.resolve({
        data: watches.map((watch) => ({
          name: watch.name,
          title: watch.title,
          severity: watch.severity,
          ownerRole: watch.role,
          ...rhythmOf(watch),
        })),
      }),
  })

  const createMute = defineOperation({
    id: 'createAlertMute',
    method: 'POST',
    path: '/api/v1/alerts/mutes',
    scope: 'alerts:write',
    tag,
    summary: 'Tell nobody of a watch, or of one thing that it finds, until a moment',
    description:
      'Alerts are kept and shown all the same. What still fires at the end is told then.',
    subject: ({ id }) => id,
    row: { table: 'alert_mutes', key: 'id', columns: ['watch', 'until'] },
    input: NewMute,
    output: Mute,
    async perform({ key, ...input }, { tx, now, principal }) {
      if (!watches.some(({ name }) => name === input.watch))
        throw new Problem(
          'request.invalid',
          'There is no such watch: see /api/v1/alerts/watches.',
          {
            errors: [{ pointer: '/watch', detail: 'Name a watch of the list.' }],
          },
        )
      const forMs = input.until.getTime() - now.getTime()
      if (forMs <= 0 || forMs > MAX_MUTE_MS)
        throw new Problem('request.invalid', 'A mute ends within 90 days.', {
          errors: [{ pointer: '/until', detail: 'Give a moment within the next 90 days.' }],
        })
      if ((await countMutes(tx, now)) >= MAX_MUTES)
        throw new Problem('alert.too_many', `At most ${MAX_MUTES} mutes: end one first.`)
      const mute: Mute = {
        ...input,
        id: newId('alm'),
        key: key ?? null,
        createdBy: principal.id,
        createdAt: now,
      }
      await insertMute(tx, mute)
      return mute
    },
  })
  return [listAll, listWatches, listAllMutes, createMute, deleteOneMute, getOne, acknowledgeOne]
}

async function getAlert(tx: Transaction, id: string, now: Date): Promise<Alert> {
  const [alert] = await listAlerts(tx, { id, status: 'all' }, null, 1, now)
  if (!alert) throw new Problem('resource.not_found', 'There is no alert with this id.')
  return alert
}
