import { sql } from 'kysely'
import type { Store } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

/**
 * The name under which the installation itself keeps keys beside those of its workspaces: what is sealed before anybody's
 * workspace is known (signing keys, sign-in challenges, the library's OAuth state) and the blind index of e-mail addresses.
 */
const INSTALLATION = 'installation'

/** The installation's own sealer; the first use makes its keys. */
export async function installationSealer(store: Store): Promise<Sealer> {
  await ensureKeys(store)
  return store.sealerOf(INSTALLATION)
}

const ensured = new WeakMap<Store, Promise<void>>()

function ensureKeys(store: Store): Promise<void> {
  let pending = ensured.get(store)
  if (!pending) {
    pending = store.system(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(hashtext('throughline_installation_keys'))`)
      const row = await tx.find(
        sql<{
          n: number
        }>`select count(*)::int as n from workspace_keys where workspace_id = ${INSTALLATION}`,
      )
      if (row?.n === 0) await store.createKeys(tx, INSTALLATION)
    })
    ensured.set(store, pending)
    pending.catch(() => ensured.delete(store))
  }
  return pending
}

/** E-mail addresses are told apart without their case and surrounding space; the same everywhere a user is looked up. */
export function emailIndex(sealer: Sealer, email: string): Buffer {
  return sealer.index('users.email', email.trim().toLowerCase())
}
