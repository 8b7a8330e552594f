import { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { checkAddress } from '#egress/check-address.ts'
import { newWebhookSecret } from '#egress/signature.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { ChannelId } from './alert.schema.ts'
import {
  Channel,
  ChannelChange,
  ChannelTest,
  ChannelWithSecret,
  NewChannel,
} from './channel.schema.ts'
import {
  countChannels,
  deleteChannel,
  findChannel,
  insertChannel,
  listChannels,
  openTarget,
  updateChannel,
  type Target,
} from './channel.store.ts'
import type { WaysOut } from './deliver.ts'
import { insertMessages, retryFailed } from './message.store.ts'
import { noticeOf } from './notice.rules.ts'
import { readWorkspaceName } from './alert.store.ts'

const tag = 'Alerts'
const MAX_CHANNELS = 20

const listAll = defineOperation({
  id: 'listAlertChannels',
  method: 'GET',
  path: '/api/v1/alerts/channels',
  scope: 'alerts:read',
  tag,
  summary: 'List where alerts are told',
  input: PageQuery,
  output: Page(Channel),
  async perform({ cursor, limit }, { tx }) {
    const [after] = cursor === undefined ? [''] : decodeCursor(cursor, 1)
    return cutPage(await listChannels(tx, String(after), limit + 1), limit, ({ id }) => [id])
  },
})

const getOne = defineOperation({
  id: 'getAlertChannel',
  method: 'GET',
  path: '/api/v1/alerts/channels/{channelId}',
  scope: 'alerts:read',
  tag,
  summary: 'One channel',
  version: ({ version }) => version,
  input: z.object({ channelId: ChannelId }),
  output: Channel,
  perform: ({ channelId }, { tx }) => getChannel(tx, channelId),
})

const deleteOne = defineOperation({
  id: 'deleteAlertChannel',
  method: 'DELETE',
  path: '/api/v1/alerts/channels/{channelId}',
  scope: 'alerts:write',
  status: 204,
  tag,
  summary: 'Delete a channel with what it is owed',
  subject: (_output, { channelId }) => channelId,
  input: z.object({ channelId: ChannelId }),
  output: z.null(),
  async perform({ channelId }, { tx }) {
    await getChannel(tx, channelId)
    await deleteChannel(tx, channelId)
    return null
  },
})

const retryOne = defineOperation({
  id: 'retryAlertChannel',
  method: 'POST',
  path: '/api/v1/alerts/channels/{channelId}/retry',
  scope: 'alerts:write',
  status: 202,
  tag,
  summary: 'Send messages again that were given up',
  subject: (_output, { channelId }) => channelId,
  input: z.object({ channelId: ChannelId }),
  output: z.object({ retried: z.int() }),
  async perform({ channelId }, { tx, now }) {
    await getChannel(tx, channelId)
    return { retried: await retryFailed(tx, channelId, now) }
  },
})

/** The operations on channels; new addresses are checked through the ways out before they are kept. */
export function createChannelOperations(ways: WaysOut, publicUrl: () => string): Operation[] {
  return [
    listAll,
    createOne(ways),
    getOne,
    changeOne(ways),
    deleteOne,
    testOne(publicUrl),
    retryOne,
  ]
}

function createOne(ways: WaysOut): Operation {
  return defineOperation({
    id: 'createAlertChannel',
    method: 'POST',
    path: '/api/v1/alerts/channels',
    scope: 'alerts:write',
    tag,
    summary: 'Make a channel',
    description:
      'It is told of alerts that begin from now on: once when one begins, and once when it is over.',
    subject: ({ id }) => id,
    location: ({ id }) => `/api/v1/alerts/channels/${id}`,
    version: ({ version }) => version,
    input: NewChannel,
    output: ChannelWithSecret,
    async perform({ kind, to, url, ...settings }, { tx, now }) {
      checkQuiet(settings)
      const secret = kind === 'webhook' ? newWebhookSecret() : null
      const target = await targetOf(ways, kind, { to, url, secret })
      if ((await countChannels(tx)) >= MAX_CHANNELS)
        throw new Problem(
          'alert.too_many',
          `A workspace has at most ${MAX_CHANNELS} channels: delete one, or let one take more watches.`,
        )
      const id = newId('alc')
      if (!(await insertChannel(tx, id, settings, target, now))) throw duplicate(settings.name)
      return { ...(await getChannel(tx, id)), secret }
    },
  })
}

function changeOne(ways: WaysOut): Operation {
  return defineOperation({
    id: 'updateAlertChannel',
    method: 'PATCH',
    path: '/api/v1/alerts/channels/{channelId}',
    scope: 'alerts:write',
    tag,
    summary: 'Change, enable or disable a channel',
    subject: ({ id }) => id,
    version: ({ version }) => version,
    input: ChannelChange,
    output: Channel,
    async perform({ channelId, to, url, ...changes }, { tx, now, expectedVersion }) {
      const known = await getChannel(tx, channelId)
      if (expectedVersion !== null && expectedVersion !== known.version)
        throw new Problem(
          'resource.version_mismatch',
          'The channel was changed meanwhile: read it again.',
        )
      const settings = { ...known, ...given(changes) }
      checkQuiet(settings)
      const isMoved = to !== undefined || url !== undefined
      const secret = isMoved ? await secretOf(tx, channelId) : null
      const target = isMoved ? await targetOf(ways, known.kind, { to, url, secret }) : null
      const disabledReason = changes.state === undefined ? known.disabledReason : null
      const next = { ...settings, disabledReason }
      if (!(await updateChannel(tx, channelId, next, target, now))) throw duplicate(settings.name)
      return getChannel(tx, channelId)
    },
  })
}

function testOne(publicUrl: () => string): Operation {
  return defineOperation({
    id: 'testAlertChannel',
    method: 'POST',
    path: '/api/v1/alerts/channels/{channelId}/test',
    scope: 'alerts:write',
    status: 202,
    tag,
    summary: 'Send a test message',
    description:
      'It goes out within seconds, quiet hours or not; `lastError` tells when it cannot.',
    subject: (_output, { channelId }) => channelId,
    input: z.object({ channelId: ChannelId }),
    output: ChannelTest,
    async perform({ channelId }, { tx, now }) {
      const { name } = await getChannel(tx, channelId)
      const place = { publicUrl: publicUrl(), workspace: await readWorkspaceName(tx) }
      const facts = {
        id: channelId,
        watch: 'alerts.test',
        key: channelId,
        severity: 'info' as const,
        title: 'A test of this channel',
        summary: `Alerts reach the channel ${name}.`,
        link: '/alerts',
        values: {},
        firedAt: null,
        resolvedAt: null,
      }
      const id = newId('msg')
      const notice = JSON.stringify(noticeOf('alert.test', facts, place, now))
      const message = { id, channelId, alertId: null, historyId: null, notice, dueAt: now }
      await insertMessages(tx, [{ ...message, kind: 'test' }], now)
      return { messageId: id }
    },
  })
}

/** @throws Problem `resource.not_found`. */
async function getChannel(tx: Transaction, id: string): Promise<Channel> {
  const channel = await findChannel(tx, id)
  if (!channel) throw new Problem('resource.not_found', 'There is no channel with this id.')
  return channel
}

/** A channel keeps its signing secret when it moves. */
async function secretOf(tx: Transaction, id: string): Promise<string | null> {
  const opened = await openTarget(tx, id)
  return opened?.target.kind === 'webhook' ? opened.target.secret : null
}

/** Whom a channel of this kind reaches. @throws Problem when that is nobody. */
async function targetOf(
  { egress, mailer }: WaysOut,
  kind: Channel['kind'],
  { to, url, secret }: { to: string[] | undefined; url: string | undefined; secret: string | null },
): Promise<Target> {
  if (kind === 'email') {
    if (url !== undefined) throw unfit('/url', 'A channel of kind email has addresses, no URL.')
    if (to === undefined) throw unfit('/to', 'Give the addresses to write to.')
    if (!mailer)
      throw unfit(
        '/kind',
        'The hub has no mail server: set THROUGHLINE_SMTP_URL and THROUGHLINE_MAIL_FROM.',
      )
    return { kind, to }
  }
  if (to !== undefined) throw unfit('/to', `A channel of kind ${kind} has a URL, no addresses.`)
  if (url === undefined) throw unfit('/url', 'Give the URL to send to.')
  await checkAddress(egress, url)
  return kind === 'slack' ? { kind, url } : { kind, url, secret: secret ?? newWebhookSecret() }
}

function checkQuiet({ quietFrom, quietTo }: { quietFrom: string | null; quietTo: string | null }) {
  if ((quietFrom === null) !== (quietTo === null))
    throw unfit(quietFrom === null ? '/quietFrom' : '/quietTo', 'Quiet hours have both ends.')
}

function unfit(pointer: string, detail: string): Problem {
  return new Problem('alert.channel_invalid', detail, { errors: [{ pointer, detail }] })
}

function duplicate(name: string): Problem {
  return new Problem('alert.channel_duplicate', `Another channel is called ${name}.`)
}

/** What was named, without what was left out. */
function given<T extends object>(changes: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
