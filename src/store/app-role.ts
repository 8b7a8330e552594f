import type { Client } from 'pg'
import { APP_ROLE } from '#store/connect.ts'
import { errorCode } from '#store/failure.ts'

/**
 * Makes sure that the role which row-level security binds exists, is powerless, and can be taken on by this user.
 *
 * Roles belong to the whole server, so two databases of one server may do this at once: a lost race is tried again.
 * @throws Error with the statements for an administrator when the database user lacks the right.
 */
export async function ensureAppRole(client: Client): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      if (!(await hasPowerlessRole(client))) {
        await client.query(
          `create role ${APP_ROLE} nologin nosuperuser nobypassrls nocreatedb nocreaterole`,
        )
      }
      if (!(await canTakeOn(client))) await client.query(`grant ${APP_ROLE} to current_user`)
      return
    } catch (error) {
      if (isLostRace(error) && tries < 10) continue
      if (errorCode(error) === '42501') throw await explain(client, error)
      throw error
    }
  }
}

async function hasPowerlessRole(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ powerful: boolean }>(
    'select rolsuper or rolbypassrls as powerful from pg_roles where rolname = $1',
    [APP_ROLE],
  )
  if (rows[0]?.powerful) {
    throw new Error(
      `The role ${APP_ROLE} must not be superuser nor bypass row-level security, since it keeps workspaces apart. ` +
        `An administrator runs: alter role ${APP_ROLE} nosuperuser nobypassrls`,
    )
  }
  return rows.length > 0
}

/** Tries it, because what makes it possible differs between PostgreSQL 15 and 16. */
async function canTakeOn(client: Client): Promise<boolean> {
  try {
    await client.query(`set role ${APP_ROLE}`)
    await client.query('reset role')
    return true
  } catch (error) {
    if (errorCode(error) === '42501') return false
    throw error
  }
}

function isLostRace(error: unknown): boolean {
  const code = errorCode(error)
  const isConcurrentUpdate =
    code === 'XX000' && error instanceof Error && error.message.includes('concurrently')
  return code === '42710' || code === '23505' || isConcurrentUpdate
}

async function explain(client: Client, cause: unknown): Promise<Error> {
  const { rows } = await client.query<{ user: string }>('select quote_ident(current_user) as user')
  const user = rows[0]?.user ?? 'the database user'
  return new Error(
    `The database user ${user} may not create the role ${APP_ROLE} or act as it. An administrator runs once: ` +
      `create role ${APP_ROLE} nologin; grant ${APP_ROLE} to ${user};`,
    { cause },
  )
}
