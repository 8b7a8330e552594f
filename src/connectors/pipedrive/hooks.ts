import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Hooks } from '#sync/connector.ts'
import { PipedriveSettings } from './auth.ts'

/** Streams by what Pipedrive's webhooks v2 call their records. */
const STREAMS: Record<string, string> = {
  person: 'persons',
  organization: 'organizations',
  deal: 'deals',
  activity: 'activities',
}

const Id = z.union([z.string(), z.number()]).transform(String)
const Message = z.looseObject({
  meta: z.looseObject({
    /** The same for all attempts of a message. */
    id: z.string(),
    entity: z.string(),
    entity_id: Id,
    timestamp: z.iso.datetime({ offset: true }).optional(),
    /** Of a merge: the record that stays. */
    merged_to_id: Id.nullish(),
  }),
})

/** Pipedrive's webhooks v2: they carry no signature but the user name and password that they were set up with (HTTP Basic). */
export const pipedriveHooks: Hooks = {
  verify({ headers: { authorization } }, settings) {
    const { hookUser, hookPassword } = PipedriveSettings.safeParse(settings).data ?? {}
    if (hookUser === undefined || hookPassword === undefined) return false
    const [scheme = '', given = ''] = (authorization ?? '').toString().split(' ')
    if (scheme.toLowerCase() !== 'basic') return false
    // Digests have one length, so that the comparison tells nothing of the secret's.
    const wanted = Buffer.from(`${hookUser}:${hookPassword}`).toString('base64')
    return timingSafeEqual(digestOf(given), digestOf(wanted))
  },
  read(body) {
    const parsed = Message.safeParse(JSON.parse(body.toString('utf8')))
    if (!parsed.success) throw new SyntaxError('not a message of Pipedrive webhooks v2')
    const { id: key, entity, entity_id: id, timestamp, merged_to_id: mergedTo } = parsed.data.meta
    const stream = STREAMS[entity]
    if (stream === undefined) return []
    const at = timestamp === undefined ? null : new Date(timestamp)
    // Who made a change is told by user, not by app: nothing shows that it was ours, so the record is looked at once more.
    const ids = mergedTo === undefined || mergedTo === null ? [id] : [id, mergedTo]
    return ids.map((externalId) => ({ stream, externalId, at, isOwnEcho: false, key }))
  },
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
