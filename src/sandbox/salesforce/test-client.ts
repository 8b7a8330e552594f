import { objectOf, textOf } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'

export interface Reply {
  status: number
  headers: Headers
  /** The body as JSON; null when it is none. */
  json: Json
  text: string
}

/** Calls the sandbox as a program does: nothing is retried, nothing is hidden. For tests. */
export function openClient(sandbox: { url: string; token: string }, token = sandbox.token) {
  const send = async (
    method: string,
    path: string,
    options: { json?: unknown; csv?: string; headers?: Record<string, string> } = {},
  ): Promise<Reply> => {
    const { json, csv, headers } = options
    const body = csv ?? (json === undefined ? null : JSON.stringify(json))
    const response = await fetch(sandbox.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': csv === undefined ? 'application/json' : 'text/csv',
        ...headers,
      },
      ...(body === null ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: parseBody(text), text }
  }
  const data = '/services/data/v67.0'
  return {
    send,
    get: (path: string, headers?: Record<string, string>) =>
      send('GET', data + path, headers ? { headers } : {}),
    post: (path: string, json: unknown, headers?: Record<string, string>) =>
      send('POST', data + path, headers ? { json, headers } : { json }),
    patch: (path: string, json: unknown, headers?: Record<string, string>) =>
      send('PATCH', data + path, headers ? { json, headers } : { json }),
    put: (path: string, csv: string) => send('PUT', data + path, { csv }),
    delete: (path: string) => send('DELETE', data + path),
    query: (soql: string) => send('GET', `${data}/query?q=${encodeURIComponent(soql)}`),
    queryAll: (soql: string) => send('GET', `${data}/queryAll?q=${encodeURIComponent(soql)}`),
    control: (method: string, path: string, json?: unknown) =>
      send(method, `/__sim/${path}`, json === undefined ? {} : { json }),
    form: async (path: string, form: Record<string, string>): Promise<Reply> => {
      const response = await fetch(sandbox.url + path, {
        method: 'POST',
        body: new URLSearchParams(form),
        redirect: 'manual',
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: parseBody(text), text }
    },
  }
}

/** A member of an answer as text; the empty one when it is none. */
export function textAt(json: Json, name: string): string {
  return textOf(objectOf(json)[name]) ?? ''
}
