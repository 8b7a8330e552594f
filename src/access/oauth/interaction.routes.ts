import { sql } from 'kysely'
import { z } from 'zod'
import type { OAuthRequest } from '#access/oauth/client.schema.ts'
import { findClient } from '#access/oauth/client.store.ts'
import type { OAuthServer } from '#access/oauth/server.ts'
import { audienceOf, scopesOfClient } from '#access/oauth/token.ts'
import { scopes as allScopes, type Scope } from '#access/roles.ts'
import { readJson } from '#access/read-json.ts'
import { Problem } from '#core/problem.ts'
import type { Principal } from '#gateway/operation.ts'
import type { RawRequest, RawRoute } from '#gateway/raw-route.ts'

const Decision = z.object({ decision: z.enum(['allow', 'deny']) })

const gone = () =>
  new Problem(
    'resource.not_found',
    'This request has ended or is older than ten minutes: start again from the application.',
  )

/**
 * What the consent page asks and tells. The page belongs to the console, so the person answers under the console's own session;
 * the browser that began the request is the only one that can end it, which the library's resume cookie guards.
 */
export function createInteractionRoutes(
  oauth: () => OAuthServer,
  publicUrl: () => string,
): RawRoute[] {
  return [
    {
      id: 'getOAuthRequest',
      method: 'GET',
      path: '/api/v1/oauth/requests/{uid}',
      scope: 'account:write',
      maxBytes: 0,
      async handle(request) {
        const { client, asked, may } = await open(oauth(), request)
        const workspace = await request.perform(({ tx }) =>
          tx.find(sql<{ name: string }>`select name from workspaces where id = ${tx.workspaceId}`),
        )
        const answer: z.input<typeof OAuthRequest> = {
          client: { name: client.name, redirectHost: hostOf(client.redirectUri) },
          workspace: workspace?.name ?? '',
          scopes: asked.map((name) => ({
            name,
            about: allScopes[name as Scope] ?? name,
            granted: may.includes(name),
          })),
        }
        return json(answer)
      },
    },
    {
      id: 'decideOAuthRequest',
      method: 'POST',
      path: '/api/v1/oauth/requests/{uid}',
      scope: 'account:write',
      maxBytes: 1000,
      async handle(request) {
        const { decision } = readJson(Decision, request.body)
        const { interaction, provider, clientId, asked, may, user } = await open(oauth(), request)
        if (decision === 'deny' || may.length === 0) {
          interaction.result = {
            error: 'access_denied',
            error_description: 'the person did not agree',
          }
        } else {
          const grant = new provider.Grant({ accountId: user.id, clientId })
          grant.addResourceScope(audienceOf(publicUrl()), may.join(' '))
          const withheld = asked.filter((scope) => !may.includes(scope))
          if (withheld.length > 0)
            grant.rejectResourceScope(audienceOf(publicUrl()), withheld.join(' '))
          interaction.result = {
            login: { accountId: user.id, remember: false },
            consent: { grantId: await grant.save() },
          }
        }
        await interaction.persist()
        await request.perform(async (context) =>
          context.audit({
            action: decision === 'allow' ? 'oauth.consented' : 'oauth.refused',
            subjectId: clientId,
            detail: { scopes: may },
          }),
        )
        return json({ continueAt: interaction.returnTo })
      },
    },
  ]
}

async function open(oauth: OAuthServer, { params, principal, store }: RawRequest) {
  const user = personOf(principal)
  const provider = await oauth.provider()
  const interaction = await provider.Interaction.find(params['uid'] ?? '')
  const clientId = interaction?.params['client_id']
  if (!interaction || typeof clientId !== 'string') throw gone()
  const [row, client] = await Promise.all([
    store.system((tx) => findClient(tx, clientId)),
    provider.Client.find(clientId),
  ])
  // A client of another workspace is as good as none: its name would already tell too much.
  if (!row || !client || row.workspaceId !== user.workspaceId) throw gone()
  const granted = scopesOfClient(client)
  const wanted = interaction.params['scope']
  const asked = typeof wanted === 'string' && wanted !== '' ? wanted.split(' ') : granted
  const may = asked.filter((scope) => granted.includes(scope) && user.scopes.has(scope))
  const sent = interaction.params['redirect_uri']
  const redirectUri = typeof sent === 'string' ? sent : (row.redirectUris[0] ?? '')
  return {
    provider,
    interaction,
    clientId,
    client: { name: row.name, redirectUri },
    asked,
    may,
    user,
  }
}

/** Only a person at the console can agree, and not an application in their name. */
function personOf(principal: Principal | null): Principal {
  if (principal?.kind !== 'user' || principal.clientId !== undefined)
    throw new Problem('auth.forbidden', 'Only a person who is signed in to the console can agree.')
  return principal
}

function hostOf(uri: string): string {
  const url = URL.parse(uri)
  return url ? url.host || url.protocol : ''
}

function json(value: unknown) {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  }
}
