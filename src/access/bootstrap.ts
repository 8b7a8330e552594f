import { sql } from 'kysely'
import { newSecret } from '#access/api-key.rules.ts'
import { insertKey } from '#access/api-key.store.ts'
import { emailIndex, installationSealer } from '#access/installation.ts'
import { LINK_MS, newToken } from '#access/session.rules.ts'
import { insertSignInLink } from '#access/session.store.ts'
import { sealPersonal } from '#access/sign-in/personal.ts'
import { insertUser } from '#access/sign-in/users.store.ts'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { Store, Transaction } from '#store/store.ts'

export interface NewWorkspace {
  name: string
  currency: string
  timeZone: string
}

/**
 * Creates a workspace with its keys of encryption. `seed` then adds what the modules need to begin with; it is written so
 * that it may run again, and is run again at each start.
 */
export async function createWorkspace(
  store: Store,
  input: NewWorkspace,
  now: Date,
  seed: (tx: Transaction, now: Date) => Promise<void>,
): Promise<string> {
  const id = newId('wsp')
  await store.system(async (tx) => {
    await tx.execute(sql`
      insert into workspaces (id, name, time_zone, currency, created_at) values (${id}, ${input.name}, ${input.timeZone}, ${input.currency}, ${now})`)
    await store.createKeys(tx, id)
  })
  await store.transaction(id, (tx) => seed(tx, now))
  return id
}

export async function findWorkspaceByName(store: Store, name: string): Promise<string | null> {
  const row = await store.system((tx) =>
    tx.find(
      sql<{ id: string }>`select id from workspaces where name = ${name} order by id limit 1`,
    ),
  )
  return row?.id ?? null
}

export async function listWorkspaces(
  store: Store,
): Promise<{ id: string; name: string; createdAt: Date }[]> {
  return store.system((tx) =>
    tx.query(
      sql<{
        id: string
        name: string
        createdAt: Date
      }>`select id, name, created_at from workspaces order by id limit 1000`,
    ),
  )
}

/** Issues an API key from outside the API (CLI, demo, tests). @returns the key, shown this once. */
export async function issueKey(
  store: Store,
  workspaceId: string,
  input: {
    name: string
    roles: string[]
    scopes?: string[]
    rateLimitPerMinute?: number
    tenants?: string[]
  },
  now: Date,
): Promise<{ id: string; token: string }> {
  const { token, prefix, secretHash } = newSecret()
  const id = newId('key')
  const key = {
    id,
    name: input.name,
    roles: input.roles,
    scopes: input.scopes ?? [],
    prefix,
    rateLimitPerMinute: input.rateLimitPerMinute ?? 6000,
    ownerId: null,
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
    tenants: input.tenants ?? null,
    rotatedTo: null,
    lastUsedAt: null,
  }
  await store.system((tx) => insertKey(tx, workspaceId, key, secretHash, 'system'))
  return { id, token }
}

/** Adds a user from outside the API. With an address they may set a password. */
export async function createUser(
  store: Store,
  workspaceId: string,
  input: { name: string; email?: string; roles: string[] },
  now: Date,
): Promise<string> {
  const id = newId('usr')
  const sealer = await store.sealerOf(workspaceId)
  const email = input.email ?? null
  const index = email === null ? null : emailIndex(await installationSealer(store), email)
  const user = {
    id,
    workspaceId,
    personal: sealPersonal(sealer, id, { name: input.name, email }),
    emailIndex: index,
    roles: input.roles,
    createdAt: now,
  }
  if (!(await store.system((tx) => insertUser(tx, user))))
    throw new Problem('user.duplicate', 'A user of this installation has this address.')
  return id
}

/** A link that signs its user in once within 15 minutes. The token is in the fragment, which browsers never send. */
export async function createSignInLink(
  store: Store,
  workspaceId: string,
  userId: string,
  publicUrl: string,
  now: Date,
): Promise<string> {
  const { token, tokenHash } = newToken()
  await store.system((tx) =>
    insertSignInLink(
      tx,
      { workspaceId, userId, expiresAt: new Date(now.getTime() + LINK_MS) },
      tokenHash,
    ),
  )
  return `${publicUrl}/sign-in#${token}`
}
