import { request } from 'node:http'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import type { App } from '#app.ts'

export interface SenderAnswer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  // The wire is whatever the test says it is.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** Somebody who calls from an address of their own: on Linux the whole of 127.0.0.0/8 is this machine. */
export class Sender {
  readonly address: string
  readonly agent: string
  readonly #app: App
  /** What goes with each request. */
  headers: Record<string, string>

  constructor(app: App, address: string, agent: string, headers: Record<string, string> = {}) {
    this.#app = app
    this.address = address
    this.agent = agent
    this.headers = headers
  }

  /** @param body  text goes as it is, all else as JSON. */
  send(method: string, path: string, body?: unknown, headers = {}): Promise<SenderAnswer> {
    const { hostname, port } = new URL(this.#app.url)
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const json = text === undefined ? {} : { 'content-type': 'application/json' }
    // Browsers name the page that they are on; programs with a credential of their own do not.
    const page = 'authorization' in this.headers ? {} : { origin: this.#app.url }
    const own = { 'user-agent': this.agent, ...page, ...json }
    const options = { hostname, port, path, method, localAddress: this.address, agent: false }
    return new Promise((resolve, reject) => {
      const sent = request(
        { ...options, headers: { ...own, ...this.headers, ...headers } },
        (answer) => {
          let received = ''
          answer.setEncoding('utf8')
          answer.on('data', (part: string) => (received += part))
          answer.on('end', () => {
            const isJson = (answer.headers['content-type'] ?? '').includes('json')
            const parsed: unknown = isJson && received !== '' ? JSON.parse(received) : received
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: parsed })
          })
          answer.on('error', reject)
        },
      )
      sent.on('error', reject)
      sent.end(text)
    })
  }

  get(path: string): Promise<SenderAnswer> {
    return this.send('GET', path)
  }

  post(path: string, body: unknown): Promise<SenderAnswer> {
    return this.send('POST', path, body)
  }

  withKey(token: string): this {
    this.headers = { authorization: `Bearer ${token}` }
    return this
  }

  /** Keeps the session that a sign-in answered. */
  keep(answer: SenderAnswer): this {
    const cookies = answer.headers['set-cookie'] ?? []
    const pairs = [cookies].flat().map((line) => line.split(';')[0]!)
    this.headers = { cookie: pairs.join('; ') }
    return this
  }
}

/** Somebody new of the workspace, signed in from there by a link. */
export async function signInFrom(
  app: App,
  workspaceId: string,
  sender: Sender,
  roles = ['admin'],
  email?: string,
): Promise<string> {
  const now = app.clock.now()
  const user = { name: 'Ada', roles, ...(email === undefined ? {} : { email }) }
  const userId = await createUser(app.store, workspaceId, user, now)
  const link = await createSignInLink(app.store, workspaceId, userId, app.url, now)
  const answer = await sender.post('/api/v1/session', { token: link.split('#')[1] })
  if (answer.status !== 204) throw new Error(`the sign-in answered ${answer.status}`)
  sender.keep(answer)
  return userId
}
