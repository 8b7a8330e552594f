import { sql } from 'kysely'
import { findMasterKeys, createMasterKeys, type MasterKeys } from '#store/key-file.ts'
import type { KeyGuard } from '#store/key-guard.ts'
import type { Queries, SystemTransaction } from '#store/store.ts'
import {
  createSealer,
  makeWorkspaceKeys,
  rewrapKey,
  type Sealer,
  type WrappedKey,
} from '#store/vault.ts'

const MAX_CACHED = 10_000
const CACHE_MS = 10 * 60 * 1000

/** The keys of workspaces: reads them once, keeps the sealers, and guards the key file at the start. */
export class WorkspaceKeys {
  readonly #keyFile: string
  readonly #guard: KeyGuard | null
  #master: MasterKeys | null = null
  readonly #sealers = new Map<string, { sealer: Sealer; untilMs: number }>()

  constructor(keyFile: string, guard: KeyGuard | null) {
    this.#keyFile = keyFile
    this.#guard = guard
  }

  /**
   * Reads the key file, or creates it for an empty database.
   * @throws Error when the database holds keys that the file cannot open: making new ones would hide the loss.
   */
  async load(tx: Queries): Promise<void> {
    const used = await this.#listUsedKeys(tx)
    const found = await findMasterKeys(this.#keyFile, this.#guard)
    if (!found && used.length > 0) {
      throw new Error(
        `The key file ${this.#keyFile} is missing, but the database holds workspaces sealed with it (${used.join(', ')}). ` +
          'Restore the key file from its backup, or set THROUGHLINE_KEY_FILE to where it is.',
      )
    }
    const master = found ?? (await createMasterKeys(this.#keyFile, this.#guard))
    const missing = used.filter((name) => !master.keys.has(name))
    if (missing.length > 0) {
      throw new Error(
        `The key file ${this.#keyFile} lacks ${missing.join(', ')}, which the database uses. ` +
          'It belongs to another installation, or an old copy was restored: bring back the right one.',
      )
    }
    this.#master = master
  }

  async #listUsedKeys(tx: Queries): Promise<string[]> {
    const table = await tx.find(
      sql<{ name: string | null }>`select to_regclass('workspace_keys')::text as name`,
    )
    if (!table?.name) return []
    const rows = await tx.query(
      sql<{ keyId: string }>`select distinct key_id from workspace_keys order by key_id`,
    )
    return rows.map((row) => row.keyId)
  }

  get #keys(): MasterKeys {
    if (!this.#master) throw new Error('The key file was not read yet.')
    return this.#master
  }

  /** The cached sealer, or null when it must be read first. */
  findCached(workspaceId: string): Sealer | null {
    const cached = this.#sealers.get(workspaceId)
    return cached && cached.untilMs > Date.now() ? cached.sealer : null
  }

  /** Reads the sealer; null when the workspace has no keys. */
  async read(tx: Queries, workspaceId: string): Promise<Sealer | null> {
    const rows = await tx.query(
      sql<WrappedKey>`select kind, generation, key_id, wrapped from workspace_keys where workspace_id = ${workspaceId}`,
    )
    if (rows.length === 0) return null
    await this.#refresh(rows)
    const sealer = createSealer(this.#keys, workspaceId, rows)
    if (this.#sealers.size >= MAX_CACHED) this.#sealers.clear()
    this.#sealers.set(workspaceId, { sealer, untilMs: Date.now() + CACHE_MS })
    return sealer
  }

  /** Reads the key file again when another process rotated it. */
  async #refresh(rows: readonly WrappedKey[]): Promise<void> {
    if (rows.every((row) => this.#keys.keys.has(row.keyId))) return
    this.#master = (await findMasterKeys(this.#keyFile, this.#guard)) ?? this.#master
  }

  /** Under the key of the file as it is now: another process may have changed it and taken the old one out. */
  async create(tx: SystemTransaction, workspaceId: string): Promise<void> {
    this.#master = (await findMasterKeys(this.#keyFile, this.#guard)) ?? this.#master
    for (const key of makeWorkspaceKeys(this.#keys, workspaceId)) {
      await tx.execute(sql`
        insert into workspace_keys (workspace_id, kind, generation, key_id, wrapped)
        values (${workspaceId}, ${key.kind}, ${key.generation}, ${key.keyId}, ${key.wrapped})`)
    }
  }
}

/**
 * Wraps up to `limit` keys of workspaces anew under the current key of the file. Answers how many; 0 means done.
 * A crash in between leaves some rows under either key, and both keys are still in the file.
 */
export async function rewrapWorkspaceKeys(
  tx: SystemTransaction,
  master: MasterKeys,
  limit = 200,
): Promise<number> {
  const rows = await tx.query(sql<WrappedKey & { workspaceId: string }>`
    select workspace_id, kind, generation, key_id, wrapped from workspace_keys
    where key_id <> ${master.current} order by workspace_id, kind, generation limit ${limit} for update`)
  for (const row of rows) {
    const next = rewrapKey(master, row.workspaceId, row)
    await tx.execute(sql`
      update workspace_keys set key_id = ${next.keyId}, wrapped = ${next.wrapped}
      where workspace_id = ${row.workspaceId} and kind = ${row.kind} and generation = ${row.generation}`)
  }
  return rows.length
}
