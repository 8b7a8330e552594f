import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

import { createCallLog } from './call-log.ts'
import type { CallLog } from './call-log.ts'
import type { SandboxClock } from './clock.ts'
import type { Fault, FaultInjector } from './faults.ts'
import type { Json } from './json.ts'
import { createRouter } from './router.ts'
import type { Match, Routed } from './router.ts'

/** One request as the routes see it. */
export interface Call {
  method: string
  /** Path without query. */
  path: string
  /** Path with query, as received. */
  url: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  text: string
  params: Record<string, string>
  /** Where the sandbox itself listens, for links in answers. */
  baseUrl: string
  /** The injected fault that the vendor must act on itself (token, rows); null otherwise. */
  fault: Fault | null
}

/** What goes back: an object is sent as JSON, a string as it is, undefined as an empty body. */
export interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** The connection is cut when half of the body is sent. */
  isCut?: boolean
}

/** Thrown by a route to answer with an error. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.answer = answer
  }
}

export type Route<Caller> = Routed<(call: Call, caller: Caller) => Answer>

/** A route of the control API, which may take its time. */
export type ControlRoute = Routed<(call: Call) => Answer | Promise<Answer>>

/** What a vendor brings to the kernel; `Caller` is who the vendor takes the request to be from. */
export interface Vendor<Caller> {
  routes: readonly Route<Caller>[]
  /** `/__sim/…`: seeds, faults, clock. Never counted, never throttled, never faulty. */
  control: readonly ControlRoute[]
  /** Authenticates and throttles; the headers go on the answer. Throws Refusal. */
  admit(call: Call, route: string): { caller: Caller; headers: Record<string, string> }
  /** Whether a route is open to callers that are not admitted (token endpoints). */
  isOpen(route: string): Caller | null
  notFound(call: Call): Answer
  /** The vendor's body and headers for an injected status. */
  statusAnswer(fault: Extract<Fault, { kind: 'status' }>): Answer
}

export interface KernelOptions {
  /** 0 (the default) takes a free port. */
  port?: number
  clock: SandboxClock
  faults: FaultInjector
  /** How many of the last requests are kept for reading; 200 unless given. */
  keepRequests?: number
  /** Longer requests are cut; 32 MiB unless given. */
  maxBodyBytes?: number
}

export interface Kernel {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  url: string
  log: CallLog
  /** Closes the port and all connections. */
  stop(): Promise<void>
}

const MAX_BODY_BYTES = 32 * 1024 * 1024
const HTML_PAGE =
  '<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body><center><h1>Bad Gateway</h1></center><hr><center>cloudflare</center></body>\r\n</html>\r\n'

/**
 * Serves a vendor on 127.0.0.1 until `stop`. Every request outside `/__sim/` is logged, meets the
 * injected faults, is admitted by the vendor and then answered by its route.
 */
export async function serve<Caller>(
  vendor: Vendor<Caller>,
  options: KernelOptions,
): Promise<Kernel> {
  const log = createCallLog(options.keepRequests ?? 200)
  const findRoute = createRouter(vendor.routes)
  const findControl = createRouter(vendor.control)
  let url = ''

  /** Null means: cut the connection. */
  async function answer(call: Call): Promise<Answer | null> {
    const startedAtMs = options.clock.now()
    const match = findRoute(call.method, call.path)
    const fault = options.faults.take(call.method, call.path)
    const given = await answerUnder(vendor, fault, call, match)
    log.add({
      atMs: startedAtMs,
      method: call.method,
      url: call.url,
      route: match?.route ?? 'unmatched',
      status: given?.status ?? 0,
      fault: fault?.kind ?? null,
      headers: call.headers,
      body: call.text,
    })
    return given
  }

  async function control(call: Call): Promise<Answer> {
    const match = findControl(call.method, call.path)
    if (!match) return { status: 404, body: { message: `No control ${call.method} ${call.path}` } }
    return await match.target({ ...call, params: match.params })
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request, options.maxBodyBytes ?? MAX_BODY_BYTES)
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    const call: Call = {
      method: request.method ?? 'GET',
      path: pathname,
      url: request.url ?? '/',
      query: searchParams,
      headers: request.headers,
      text,
      params: {},
      baseUrl: url,
      fault: null,
    }
    const given = await (pathname.startsWith('/__sim/') ? control(call) : answer(call))
    if (given) send(response, given)
    else request.socket.destroy()
  }

  const server = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 60_000 })
  server.on('request', (request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return
      if (response.headersSent) response.destroy()
      else send(response, { status: 500, body: { message: `Sandbox error: ${String(error)}` } })
    })
  })
  url = await listen(server, options.port ?? 0)
  return {
    url,
    log,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Opens the port on 127.0.0.1; returns the base URL. */
async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a call comes to under a fault; null means that the connection is cut. */
async function answerUnder<Caller>(
  vendor: Vendor<Caller>,
  fault: Fault | null,
  call: Call,
  match: Match<Route<Caller>['target']> | null,
): Promise<Answer | null> {
  switch (fault?.kind) {
    case 'drop-before':
      return null
    case 'status':
      return vendor.statusAnswer(fault)
    case 'html':
      return { status: fault.status, body: HTML_PAGE, headers: { 'content-type': 'text/html' } }
    case 'slow':
      await wait(fault.delayMs, undefined, { ref: false })
      return perform(vendor, call, match)
    case 'drop-after':
      perform(vendor, call, match)
      return null
    case 'cut-body':
      return { ...perform(vendor, call, match), isCut: true }
    case 'expire-token':
    case 'lose-rows':
    case 'drop-writes':
    case 'refuse-rows':
      return perform(vendor, { ...call, fault }, match)
    case undefined:
    default:
      return perform(vendor, call, match)
  }
}

/** Admits and answers a call; what a route refuses is an answer too. */
function perform<Caller>(
  vendor: Vendor<Caller>,
  call: Call,
  match: Match<Route<Caller>['target']> | null,
): Answer {
  let headers: Record<string, string> = {}
  try {
    if (!match) return vendor.notFound(call)
    const routed = { ...call, params: match.params }
    const open = vendor.isOpen(match.route)
    if (open) return match.target(routed, open)
    const admitted = vendor.admit(routed, match.route)
    headers = admitted.headers
    const given = match.target(routed, admitted.caller)
    return { ...given, headers: { ...headers, ...given.headers } }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { ...error.answer, headers: { ...headers, ...error.answer.headers } }
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw new RangeError(`The body is larger than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, answer: Answer): void {
  if (answer.body === undefined) {
    response.writeHead(answer.status, answer.headers).end()
    return
  }
  const isText = typeof answer.body === 'string'
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  response.writeHead(answer.status, {
    'content-type': isText ? 'text/plain' : 'application/json;charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...answer.headers,
  })
  if (!answer.isCut) response.end(text)
  else response.write(text.slice(0, text.length >> 1), () => response.destroy())
}

/** The body as JSON; null when it is not JSON at all. */
export function parseBody(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
