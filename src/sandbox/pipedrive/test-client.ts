import { objectOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'

export interface Reply {
  status: number
  headers: Headers
  body: JsonObject
  text: string
}

/** Calls the sandbox with an API token: nothing is retried, nothing is hidden. For tests. */
export function openClient(sandbox: { url: string; token: string }, token = sandbox.token) {
  const send = async (method: string, path: string, json?: unknown): Promise<Reply> => {
    const response = await fetch(sandbox.url + path, {
      method,
      headers: { 'x-api-token': token, 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    const body = isJson ? objectOf(parseBody(text)) : {}
    return { status: response.status, headers: response.headers, body, text }
  }
  return {
    get: (path: string) => send('GET', path),
    post: (path: string, json: unknown) => send('POST', path, json),
    put: (path: string, json: unknown) => send('PUT', path, json),
    patch: (path: string, json: unknown) => send('PATCH', path, json),
    delete: (path: string) => send('DELETE', path),
  }
}
