import * as client from 'openid-client'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import type { TestHub } from '#tests/hub.ts'

/** A person at a browser: follows links by hand and keeps cookies, as openid-client's user would. */
export class Browser {
  readonly #cookies = new Map<string, string>()
  readonly origin: string

  constructor(origin: string) {
    this.origin = origin
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, this.origin)
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        origin: this.origin,
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(init.headers as Record<string, string> | undefined),
      },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const cut = pair.indexOf('=')
      const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)]
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }

  post(path: string, body: unknown, method = 'POST'): Promise<Response> {
    return this.fetch(path, { method, body: JSON.stringify(body) })
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }
}

/** A browser in which a new person of the workspace is signed in to the console. */
export async function signedIn(
  hub: TestHub,
  workspaceId: string,
  roles: string[] = ['admin'],
  email?: string,
): Promise<Browser & { userId: string }> {
  const { app } = hub
  const now = app.clock.now()
  const user = { name: 'Ada', roles, ...(email === undefined ? {} : { email }) }
  const userId = await createUser(app.store, workspaceId, user, now)
  const browser = Object.assign(new Browser(hub.url), { userId })
  const link = await createSignInLink(app.store, workspaceId, userId, hub.url, now)
  const answer = await browser.post('/api/v1/session', { token: link.split('#')[1] })
  if (answer.status !== 204) throw new Error(`the sign-in answered ${answer.status}`)
  return browser
}

/** The hub's authorization server as openid-client finds it. */
export function discover(
  hub: TestHub,
  clientId: string,
  authentication: client.ClientAuth,
): Promise<client.Configuration> {
  return client.discovery(new URL(hub.url), clientId, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })
}

/** Goes through consent in the browser. @returns the address that the browser is sent back to */
export async function agree(
  browser: Browser,
  url: URL,
  decision: 'allow' | 'deny' = 'allow',
): Promise<URL> {
  const begun = await browser.fetch(url.href)
  const page = begun.headers.get('location')
  if (begun.status !== 303 || page === null)
    throw new Error(`the authorization answered ${begun.status} ${await begun.text()}`)
  if (!page.startsWith('/authorize/')) return new URL(page)
  const uid = page.split('/').at(-1)!
  const decided = await browser.post(`/api/v1/oauth/requests/${uid}`, { decision })
  if (decided.status !== 200) throw new Error(`the decision answered ${decided.status}`)
  const { continueAt } = (await decided.json()) as { continueAt: string }
  const resumed = await browser.fetch(continueAt)
  return new URL(resumed.headers.get('location') ?? '', hubless(continueAt))
}

const hubless = (address: string) => new URL(address).origin
