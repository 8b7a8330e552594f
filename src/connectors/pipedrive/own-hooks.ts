import { randomBytes } from 'node:crypto'
import type { Clock } from '#core/time.ts'
import type { PipedriveWebhook } from './answers.ts'
import type { PipedriveClient } from './client.ts'
import { HOOK_OBJECTS } from './hooks.ts'

/**
 * The webhooks that the hub makes for itself, one a kind of record, looked at once a day. Pipedrive signs nothing: each connection has
 * a user name and password of its own, kept sealed before they are used. What stands at the connection's address and is not as it
 * should be is ours, and made anew.
 */
export class OwnHooks {
  readonly #client: PipedriveClient
  readonly #clock: Clock

  constructor(client: PipedriveClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** Calls that the next pass makes for it, as far as the settings alone tell. */
  get calls(): number {
    if (this.#client.wantsHooks !== true) return this.#client.ownHooks ? 1 : 0
    return this.#client.ownHooks ? 1 : 1 + HOOK_OBJECTS.length
  }

  async subscribe(address: string | null, signal: AbortSignal): Promise<void> {
    await this.#client.rereadHooks()
    const kept = this.#client.ownHooks
    // Pipedrive takes no other address; to ask for one is for those who said so.
    const isWanted = this.#client.wantsHooks ?? address?.startsWith('https://') ?? false
    if (address === null || !isWanted) {
      if (kept) await this.#removeAll(kept, signal)
      return
    }
    const today = this.#clock.now().toISOString().slice(0, 10)
    if (kept?.address === address && kept.checkedOn === today) return
    const { user, password } = kept ?? {
      user: `throughline-${randomBytes(4).toString('hex')}`,
      password: randomBytes(24).toString('base64url'),
    }
    const known = { address, user, password, ids: kept?.ids ?? [], checkedOn: '' }
    if (!kept) await this.#client.keepHooks(known)
    const there = await this.#client.webhooks(signal)
    const sound = HOOK_OBJECTS.flatMap((object) => {
      const found = there.find((one) => one.event_object === object && isSound(one, address, user))
      return found ? [found.id] : []
    })
    for (const { id } of there.filter((one) => isOurs(one, known)))
      if (!sound.includes(id)) await this.#client.removeWebhook(id, signal)
    const ids = [...sound]
    const has = new Set(there.flatMap((one) => (sound.includes(one.id) ? [one.event_object] : [])))
    for (const object of HOOK_OBJECTS) {
      if (has.has(object)) continue
      const body = {
        name: `Throughline ${object}`,
        subscription_url: address,
        event_action: '*',
        event_object: object,
        version: '2.0',
        http_auth_user: user,
        http_auth_password: password,
      }
      ids.push(await this.#client.createWebhook(body, signal))
    }
    await this.#client.keepHooks({ ...known, ids, checkedOn: today })
  }

  async #removeAll(
    kept: NonNullable<PipedriveClient['ownHooks']>,
    signal: AbortSignal,
  ): Promise<void> {
    // One whose answer was lost is not among the ids that were kept.
    const there = await this.#client.webhooks(signal)
    for (const { id } of there.filter((one) => isOurs(one, kept)))
      await this.#client.removeWebhook(id, signal)
    await this.#client.keepHooks(undefined)
  }
}

function isOurs(
  { id, subscription_url: url }: PipedriveWebhook,
  kept: NonNullable<PipedriveClient['ownHooks']>,
): boolean {
  return url === kept.address || kept.ids.includes(id)
}

function isSound(webhook: PipedriveWebhook, address: string, user: string): boolean {
  const { subscription_url: url, event_action: action, version, is_active: isActive } = webhook
  const authUser = webhook.http_auth_user ?? user
  return (
    url === address &&
    action === '*' &&
    (version ?? '2.0') === '2.0' &&
    Boolean(isActive ?? true) &&
    authUser === user
  )
}
