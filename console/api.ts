import { z } from 'zod'

export type QueryFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** What the hub, or the way to it, refused; `detail` says what to do next. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly requestId: string | null
  readonly errors: readonly { pointer: string; detail: string }[]

  constructor(fields: {
    status: number
    code: string
    title: string
    detail: string
    requestId: string | null
    errors?: readonly { pointer: string; detail: string }[]
    cause?: unknown
  }) {
    super(fields.detail, { cause: fields.cause })
    this.name = 'ApiProblem'
    this.status = fields.status
    this.code = fields.code
    this.title = fields.title
    this.requestId = fields.requestId
    this.errors = fields.errors ?? []
  }
}

/** What asks the person of an open session to prove themselves once more; any other 401 says that no session is open. */
export function asksForProof(error: unknown): error is ApiProblem {
  return (
    error instanceof ApiProblem &&
    (error.code === 'auth.step_up_required' || error.code === 'auth.second_factor_required')
  )
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 401 && !asksForProof(error)
}

const ProblemBody = z.object({
  title: z.string(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string().nullish(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})

/** No answer of the hub takes longer; the person learns of it instead of waiting on. */
const TIMEOUT_MS = 30_000

/** The path with the fields that are set; the same address serves as link, API call and export. */
export function withQuery(path: string, fields: QueryFields = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value))
  }
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/**
 * Reads a resource and decodes it by its schema.
 * @throws ApiProblem for a refusal, no answer, or an answer that the schema does not know.
 */
export async function read<S extends z.ZodType>(
  schema: S,
  path: string,
  fields?: QueryFields,
  signal?: AbortSignal,
): Promise<z.output<S>> {
  const { body, requestId } = await send('GET', withQuery(path, fields), undefined, signal)
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new ApiProblem({
    status: 0,
    code: 'console.answer_unknown',
    title: 'The answer has another form than this page knows',
    detail: `Reload the page: the hub may have been upgraded while it was open. (${faultOf(parsed.error)})`,
    requestId,
    cause: parsed.error,
  })
}

/** Asks for a change, once: the console repeats none by itself, and the key guards against a repeat on the way. */
export async function act(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  return (await send(method, path, body)).body
}

/**
 * Sends a file as it is. Only this way of asking tells how much is on its way.
 * @param onProgress  the share that was sent, in [0, 1].
 * @throws ApiProblem as `read` does; a file may take longer than other answers.
 */
export function upload(
  path: string,
  file: Blob,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.setRequestHeader('accept', 'application/json')
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      if (total > 0) onProgress(loaded / total)
    })
    request.addEventListener('error', () => reject(noAnswer(null)))
    request.addEventListener('abort', () => reject(new Error('It was stopped.')))
    request.addEventListener('load', () => {
      const body = parseJson(request.responseText)
      if (request.status < 300 && body !== undefined) resolve(body)
      else reject(refusal(request.status, body, request.getResponseHeader('x-request-id')))
    })
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

function faultOf(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue ? `${issue.path.join('.') || 'answer'}: ${issue.message}` : 'no detail'
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<{ body: unknown; requestId: string | null }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method === 'POST') headers['idempotency-key'] = crypto.randomUUID()
  let answer: Response
  let text: string
  try {
    answer = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    text = await answer.text()
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw noAnswer(cause)
  }
  const requestId = answer.headers.get('x-request-id')
  const value = text === '' ? null : parseJson(text)
  if (answer.ok && value !== undefined) return { body: value, requestId }
  throw refusal(answer.status, value, requestId)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Not JSON: a proxy in between answered; the caller reports it by status.
    return undefined
  }
}

function noAnswer(cause: unknown): ApiProblem {
  const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError'
  return new ApiProblem({
    status: 0,
    code: isTimeout ? 'console.timeout' : 'console.unreachable',
    title: isTimeout ? 'The hub did not answer in time' : 'The hub cannot be reached',
    detail: isTimeout
      ? 'It took longer than 30 s. Try again, or choose a shorter period.'
      : 'Check that the hub runs and that this machine is online, then try again.',
    requestId: null,
    cause,
  })
}

function refusal(status: number, body: unknown, requestId: string | null): ApiProblem {
  const problem = ProblemBody.safeParse(body)
  if (!problem.success) {
    return new ApiProblem({
      status,
      code: 'console.answer_unknown',
      title: `The answer has status ${status} and is not the hub’s`,
      detail: 'A proxy between here and the hub may have answered. Try again in a moment.',
      requestId,
    })
  }
  const { title, detail, code, errors } = problem.data
  return new ApiProblem({
    status,
    code,
    title,
    detail,
    requestId: problem.data.requestId ?? requestId,
    ...(errors ? { errors } : {}),
  })
}
