import { isObject, listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { Refusal } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { createRouter } from '#sandbox/router.ts'
import { bodyOf } from './call.ts'
import { notFound, refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'

const BASE = '/services/data/{version}/composite'
const MOST = 25

/**
 * Several calls in one. Salesforce docs: composite, composite batch.
 * @param routes  what the calls inside may use.
 */
export function compositeRoutes(org: Org, routes: readonly Route<Caller>[]): Route<Caller>[] {
  const find = createRouter(routes)
  const perform = (call: Call, caller: Caller, inner: Inner): Answer => {
    const url = new URL(inner.url, call.baseUrl)
    const match = find(inner.method, url.pathname)
    try {
      if (!match) throw notFound()
      return match.target(
        {
          ...call,
          method: inner.method,
          path: url.pathname,
          url: inner.url,
          query: url.searchParams,
          headers: { ...call.headers, ...inner.headers },
          text: inner.body === undefined ? '' : JSON.stringify(inner.body),
          params: match.params,
        },
        caller,
      )
    } catch (error) {
      if (error instanceof Refusal) return error.answer
      throw error
    }
  }
  const tooling = BASE.replace('/composite', '/tooling/composite')
  return [
    {
      method: 'POST',
      path: tooling,
      target: (call, caller) => composite(org, call, caller, perform),
    },
    { method: 'POST', path: BASE, target: (call, caller) => composite(org, call, caller, perform) },
    {
      method: 'POST',
      path: `${BASE}/batch`,
      target: (call, caller) => batch(call, caller, perform),
    },
  ]
}

interface Inner {
  method: string
  url: string
  body: Json | undefined
  headers: Record<string, string>
}

type Perform = (call: Call, caller: Caller, inner: Inner) => Answer

interface Done {
  referenceId: string
  answer: Answer
}

function composite(org: Org, call: Call, caller: Caller, perform: Perform): Answer {
  const body = bodyOf(call)
  const requests = listOf(body['compositeRequest']).map(objectOf)
  if (requests.length > MOST) throw tooMany()
  const isAll = body['allOrNone'] === true
  const done: Done[] = []
  const failed = () => done.findIndex(({ answer }) => answer.status >= 300)
  org.state.transaction(
    () => {
      for (const request of requests) {
        const referenceId = textOf(request['referenceId']) ?? ''
        const answer =
          isAll && failed() >= 0
            ? halted()
            : asReferring(() => perform(call, caller, readInner(request, done)))
        done.push({ referenceId, answer })
      }
    },
    () => !isAll || failed() < 0,
  )
  const culprit = isAll ? failed() : -1
  const compositeResponse = done.map(({ referenceId, answer }, i) => {
    const shown = culprit >= 0 && i !== culprit ? halted() : answer
    return {
      body: shown.body ?? null,
      httpHeaders: headersOf(shown),
      httpStatusCode: shown.status,
      referenceId,
    }
  })
  return { status: 200, body: { compositeResponse } }
}

function headersOf(answer: Answer): Record<string, string> {
  const { location } = answer.headers ?? {}
  return location === undefined ? {} : { Location: location }
}

function halted(): Answer {
  const message =
    'The transaction was rolled back since another operation in the same transaction failed.'
  return { status: 400, body: [{ errorCode: 'PROCESSING_HALTED', message }] }
}

function readInner(request: JsonObject, done: readonly Done[]): Inner {
  const headers = Object.entries(objectOf(request['httpHeaders'])).map(([name, value]) => [
    name.toLowerCase(),
    textOf(value) ?? '',
  ])
  return {
    method: textOf(request['method']) ?? '',
    url: textOf(filled(textOf(request['url']) ?? '', done)) ?? '',
    body: request['body'] === undefined ? undefined : filled(request['body'], done),
    headers: Object.fromEntries(headers) as Record<string, string>,
  }
}

class BadReference extends Error {}

function asReferring(act: () => Answer): Answer {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof BadReference)) throw error
    return refuse(400, 'PROCESSING_HALTED', error.message).answer
  }
}

/** `@{account.id}` stands for what an earlier call answered. Salesforce docs: reference ids. */
function filled(value: Json, done: readonly Done[]): Json {
  if (Array.isArray(value)) return value.map((each) => filled(each, done))
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, filled(each, done)]),
    )
  }
  if (typeof value !== 'string') return value
  return value.replaceAll(/@\{([^{}]{1,200})\}/g, (_all, path: string) => {
    const [reference = '', ...names] = path.split(/[.[\]]+/).filter(Boolean)
    const found = done.find(({ referenceId }) => referenceId === reference)
    let at = found?.answer.body as Json | undefined
    for (const name of names) {
      at = Array.isArray(at) ? at[Number(name)] : objectOf(at)[name]
    }
    if (!found || found.answer.status >= 300 || at === undefined) {
      throw new BadReference(`Invalid reference specified. No value for ${path} found.`)
    }
    return textOf(at) ?? JSON.stringify(at)
  })
}

/** URLs here are without `/services/data/`. */
function batch(call: Call, caller: Caller, perform: Perform): Answer {
  const body = bodyOf(call)
  const requests = listOf(body['batchRequests']).map(objectOf)
  if (requests.length > MOST) throw tooMany()
  let hasErrors = false
  const results = requests.map((request) => {
    if (hasErrors && body['haltOnError'] === true) {
      const message = 'The request was halted because an earlier one failed.'
      return { statusCode: 412, result: [{ errorCode: 'BATCH_PROCESSING_HALTED', message }] }
    }
    const url = (textOf(request['url']) ?? '').replace(
      /^\/?(?:services\/data\/)?/,
      '/services/data/',
    )
    const answer = perform(call, caller, {
      method: textOf(request['method']) ?? '',
      url,
      body: request['richInput'],
      headers: {},
    })
    if (answer.status >= 300) hasErrors = true
    return { statusCode: answer.status, result: answer.body ?? null }
  })
  return { status: 200, body: { hasErrors, results } }
}

function tooMany() {
  const message = `Limit exceeded: at most ${MOST} subrequests are allowed.`
  return refuse(400, 'LIMIT_EXCEEDED', message)
}
