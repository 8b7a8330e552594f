import { Problem } from '#core/problem.ts'
import type { Exchange, Item } from '#gateway/exchange.ts'
import { hasUnstorableText, inputSchemaOf, parseInput } from '#gateway/input.ts'
import { maskOf } from '#gateway/mask.ts'
import { REVEAL_SCOPE } from '#gateway/operation.ts'
import { problemBody } from '#gateway/problem.ts'
import type { z } from 'zod'

/** input = operation.input.parse(path, query, body). In a batch a wrong item is an outcome of its own, not a refusal of all. */
export function validate(exchange: Exchange): void {
  const { operation, request } = exchange
  const params = request.params as Record<string, string>
  const sent =
    request.method === 'GET' || request.method === 'DELETE' ? exchange.query : (request.body ?? {})
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw new Problem('request.invalid', 'Send a JSON object.', {
      errors: [{ pointer: '', detail: 'Send a JSON object.' }],
    })
  }
  if (hasUnstorableText(sent) || hasUnstorableText(params)) {
    throw new Problem(
      'request.invalid',
      'A text holds a NUL character or broken Unicode: remove it.',
    )
  }
  exchange.expectedVersion = versionOf(request.headers['if-match'])
  refuseProbing(exchange, sent)
  const schema = inputSchemaOf(operation)
  if ('batch' in operation && operation.batch.key in sent) {
    exchange.isBatch = true
    const body = sent as Record<string, unknown>
    exchange.items = batchItems(exchange, schema, body, operation.batch, params)
    return
  }
  const clash = Object.keys(params).find((name) => name in sent)
  if (clash)
    throw new Problem(
      'request.invalid',
      `The field ${clash} is given by the path: leave it out of the rest.`,
    )
  const parsed = parseInput(schema, { ...sent, ...params })
  if ('problem' in parsed) throw parsed.problem
  exchange.items = [{ kind: 'valid', input: parsed.value }]
}

function batchItems(
  exchange: Exchange,
  schema: z.ZodType,
  sent: Record<string, unknown>,
  batch: { key: string; max: number },
  params: Record<string, string>,
): Item[] {
  const inputs = sent[batch.key]
  const pointer = `/${batch.key}`
  const refuse = (detail: string) =>
    new Problem('request.invalid', detail, { errors: [{ pointer, detail }] })
  if (Object.keys(sent).length > 1) throw refuse(`A batch holds only the field ${batch.key}.`)
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw refuse('Send a list of at least one item.')
  if (inputs.length > batch.max) throw refuse(`A batch takes at most ${batch.max} items: split it.`)
  return inputs.map((raw) => {
    // What the path names is the same for all items.
    const isObject = typeof raw === 'object' && raw !== null && !Array.isArray(raw)
    const parsed = parseInput(schema, isObject ? { ...raw, ...params } : raw)
    if ('value' in parsed) return { kind: 'valid', input: parsed.value }
    return {
      kind: 'invalid',
      body: JSON.stringify({
        status: parsed.problem.status,
        problem: problemBody(parsed.problem, exchange.requestId),
      }),
    }
  })
}

function versionOf(header: string | undefined): number | null {
  if (header === undefined || header === '*') return null
  const match = /^"(\d{1,9})"$/.exec(header.trim())
  if (!match)
    throw new Problem(
      'request.header_invalid',
      'If-Match takes the ETag of the record as it was sent, such as "3".',
    )
  return Number(match[1])
}

/** Who sees personal values only masked must not find them out by filtering for them. */
function refuseProbing({ operation, principal }: Exchange, sent: object): void {
  if (operation.method !== 'GET' || principal?.scopes.has(REVEAL_SCOPE)) return
  const mask = maskOf(operation.input)
  if (mask?.kind !== 'object') return
  const probe = Object.keys(sent).find((name) => mask.fields.has(name))
  if (probe !== undefined)
    throw new Problem(
      'auth.forbidden',
      `To look by ${probe} takes the scope ${REVEAL_SCOPE}: it is a personal value.`,
    )
}
