import { z } from 'zod'
import { ABSOLUTE_MS, hashToken, newToken, sessionCookie } from '#access/session.rules.ts'
import { insertSession, revokeSession, takeSignInLink } from '#access/session.store.ts'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { cookieOf } from '#gateway/credentials.ts'
import { refuseForeignOrigin } from '#gateway/origin.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import { sql } from 'kysely'

const SignIn = z.object({ token: z.string().min(20).max(100) })

/** The console's sign-in and sign-out: they set a cookie, which no operation does. */
export function createSessionRoutes(publicUrl: () => string): RawRoute[] {
  const isSecure = () => publicUrl().startsWith('https:')
  return [
    {
      id: 'signIn',
      method: 'POST',
      path: '/api/v1/session',
      scope: null,
      maxBytes: 2000,
      async handle({ body, headers, store, now, requestId }) {
        refuseForeignOrigin(headers, publicUrl())
        const token = readToken(body)
        const session = newToken()
        await store.system(async (tx) => {
          const link = await takeSignInLink(tx, hashToken(token), now)
          if (!link)
            throw new Problem(
              'auth.link_invalid',
              'The link was used or is older than 15 minutes: ask for a new one.',
            )
          const expiresAt = new Date(now.getTime() + ABSOLUTE_MS)
          await insertSession(
            tx,
            { id: newId('ses'), ...link, createdAt: now, lastSeenAt: now, expiresAt },
            session.tokenHash,
          )
          await tx.execute(sql`
            insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, request_id)
            values (${newId('aud')}, ${link.workspaceId}, ${now}, ${link.userId}, 'user', 'signIn', ${link.userId}, ${requestId})`)
        })
        return {
          status: 204,
          headers: { 'set-cookie': sessionCookie(session.token, isSecure(), ABSOLUTE_MS) },
        }
      },
    },
    {
      id: 'signOut',
      method: 'DELETE',
      path: '/api/v1/session',
      scope: null,
      maxBytes: 0,
      async handle({ headers, store, now }) {
        refuseForeignOrigin(headers, publicUrl())
        const cookie = cookieOf(headers)
        if (cookie !== null) await store.system((tx) => revokeSession(tx, hashToken(cookie), now))
        return { status: 204, headers: { 'set-cookie': sessionCookie('', isSecure(), 0) } }
      },
    },
  ]
}

function readToken(body: Buffer): string {
  let sent: unknown
  try {
    sent = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new Problem('request.malformed', 'The body is not valid JSON.', { cause })
  }
  const parsed = SignIn.safeParse(sent)
  if (!parsed.success)
    throw new Problem('request.invalid', 'Send { "token": "…" } from the sign-in link.')
  return parsed.data.token
}
