import { sql } from 'kysely'
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose'
import { installationSealer } from '#access/installation.ts'
import { randomBytes } from 'node:crypto'
import { DAY_MS, HOUR_MS, SECOND_MS, type Clock } from '#core/time.ts'
import type { Store, SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

/** The one algorithm of access tokens; a token that names another is refused (RFC 8725 §3.1). */
export const SIGNING_ALGORITHM = 'ES256'

const REREAD_MS = 30 * SECOND_MS
/** A retired key stays published while a token of it can be alive. */
const PUBLISHED_MS = HOUR_MS
const ROTATE_AFTER_MS = 30 * DAY_MS

export interface KeySet {
  /** Which set this is: changes whenever a key is added or retired. */
  version: string
  /** The private keys; the first one signs. */
  private: JWK[]
  public: ReadonlyMap<string, CryptoKey>
}

/** The keys that sign access tokens: kept sealed, read by every process, made by whichever needs one first. */
export class SigningKeys {
  readonly #store: Store
  readonly #clock: Clock
  #set: KeySet | null = null
  #readAtMs = 0
  #pending: Promise<KeySet> | null = null

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** The keys in use, read again from time to time. */
  async current(): Promise<KeySet> {
    if (this.#set && Date.now() - this.#readAtMs < REREAD_MS) return this.#set
    return this.#reread()
  }

  /**
   * The public key of this id, or null. The id is looked up in a map and goes nowhere else; one that is not there may be
   * another process's newest, so that the set is read again, at most once a second.
   */
  async find(kid: string): Promise<CryptoKey | null> {
    const found = (await this.current()).public.get(kid)
    if (found) return found
    if (Date.now() - this.#readAtMs < SECOND_MS) return null
    return (await this.#reread()).public.get(kid) ?? null
  }

  /** Begins to sign with a new key. Tokens of the old one stay valid until they end. */
  async rotate(): Promise<string> {
    const sealer = await installationSealer(this.#store)
    const kid = await this.#store.system(async (tx) => {
      await lock(tx)
      return insertKey(tx, sealer, this.#clock.now())
    })
    await this.#reread()
    return kid
  }

  /** Rotates a key that has signed for a month, and lets go of those that no living token can be from. */
  async tend(): Promise<void> {
    const now = this.#clock.now()
    const due = await this.#store.system(async (tx) => {
      await tx.execute(sql`
        delete from oauth_signing_keys where retired_at < ${new Date(now.getTime() - PUBLISHED_MS)}`)
      return tx.find(sql<{ kid: string }>`
        select kid from oauth_signing_keys where retired_at is null and created_at < ${new Date(now.getTime() - ROTATE_AFTER_MS)}`)
    })
    if (due) await this.rotate()
  }

  #reread(): Promise<KeySet> {
    this.#pending ??= this.#read().finally(() => {
      this.#pending = null
    })
    return this.#pending
  }

  async #read(): Promise<KeySet> {
    const sealer = await installationSealer(this.#store)
    const since = new Date(this.#clock.now().getTime() - PUBLISHED_MS)
    const rows = await this.#store.system(async (tx) => {
      const found = await listKeys(tx, since)
      if (found.some((row) => row.retiredAt === null)) return found
      await lock(tx)
      if ((await listKeys(tx, since)).every((row) => row.retiredAt !== null))
        await insertKey(tx, sealer, this.#clock.now())
      return listKeys(tx, since)
    })
    const jwks = rows.map(({ kid, sealed }) => sealer.open<JWK>(sealed, keyContext(kid)))
    const keys = new Map<string, CryptoKey>()
    for (const { d: _, ...jwk } of jwks) {
      const key = await importJWK({ ...jwk, key_ops: ['verify'] }, SIGNING_ALGORITHM)
      if (!(key instanceof Uint8Array)) keys.set(jwk.kid!, key)
    }
    this.#readAtMs = Date.now()
    this.#set = { version: rows.map((row) => row.kid).join(), private: jwks, public: keys }
    return this.#set
  }
}

interface KeyRow {
  kid: string
  sealed: Buffer
  retiredAt: Date | null
}

const keyContext = (kid: string) => `oauth_signing_keys.sealed:${kid}`

async function lock(tx: SystemTransaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('throughline_signing_keys'))`)
}

/** Newest first: the first one signs. */
async function listKeys(tx: SystemTransaction, retiredSince: Date): Promise<KeyRow[]> {
  return tx.query(sql<KeyRow>`
    select kid, sealed, retired_at from oauth_signing_keys
    where retired_at is null or retired_at > ${retiredSince}
    order by retired_at is null desc, created_at desc limit 20`)
}

async function insertKey(tx: SystemTransaction, sealer: Sealer, now: Date): Promise<string> {
  const kid = randomBytes(12).toString('base64url')
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid, alg: SIGNING_ALGORITHM, use: 'sig' }
  await tx.execute(sql`update oauth_signing_keys set retired_at = ${now} where retired_at is null`)
  await tx.execute(sql`
    insert into oauth_signing_keys (kid, sealed, created_at) values (${kid}, ${sealer.seal(jwk, keyContext(kid))}, ${now})`)
  return kid
}
