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

/** What webhooks are made for. */
export const HOOK_OBJECTS = Object.keys(STREAMS)

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
    const known = PipedriveSettings.safeParse(settings).data
    if (!known) return false
    const [scheme = '', given = ''] = (authorization ?? '').toString().split(' ')
    if (scheme.toLowerCase() !== 'basic') return false
    // Digests have one length, so that the comparison tells nothing of the secret's; all are compared, for the same reason.
    return credentialsOf(known)
      .map((wanted) => Buffer.from(wanted).toString('base64'))
      .map((wanted) => timingSafeEqual(digestOf(given), digestOf(wanted)))
      .includes(true)
  },
  ownAddress: (settings) => PipedriveSettings.safeParse(settings).data?.ownHooks?.address ?? null,
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

/** Those that people set webhooks up with, and those of the webhooks that the hub made. */
function credentialsOf({ hookUser, hookPassword, ownHooks }: PipedriveSettings): string[] {
  const byHand =
    hookUser === undefined || hookPassword === undefined ? [] : [`${hookUser}:${hookPassword}`]
  return ownHooks === undefined ? byHand : [...byHand, `${ownHooks.user}:${ownHooks.password}`]
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
