import { z } from 'zod'
import type { Operation } from '#gateway/operation.ts'
import { strictInput } from '#gateway/input.ts'

type Json = Record<string, unknown>

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId', 'retry'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string' },
    requestId: { type: 'string' },
    retry: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
}

/** The OpenAPI 3.1 document of these operations; everything in it comes from the operations themselves. */
export function createOpenApi(
  operations: readonly Operation[],
  scopes: Readonly<Record<string, string>>,
): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {})
    path[operation.method.toLowerCase()] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Throughline',
      version: '1',
      description:
        'Every write takes an `Idempotency-Key` (1 to 255 characters, kept for 24 hours): the same key and body answer the same again. ' +
        'Lists take `limit` and `cursor`, and answer as CSV to `Accept: text/csv` where they offer it. Failures are RFC 9457 problems.\n\n' +
        `Scopes:\n\n${Object.entries(scopes)
          .map(([name, about]) => `- \`${name}\`: ${about}`)
          .join('\n')}`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    tags: [...new Set(operations.map((operation) => operation.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `tl_…`' },
      },
      schemas: { Problem: problemSchema },
      responses: {
        Problem: {
          description: 'A problem',
          content: {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
        },
      },
    },
  }
}

function describe(operation: Operation): Json {
  const input = jsonSchema(strictInput(operation.input), 'input')
  const fields = (input.properties ?? {}) as Record<string, Json>
  const required = new Set((input.required as string[] | undefined) ?? [])
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  const rest = Object.keys(fields).filter((name) => !inPath.includes(name))
  const hasQuery = operation.method === 'GET' || operation.method === 'DELETE'
  const parameter = (name: string, place: string) => ({
    name,
    in: place,
    required: place === 'path' || required.has(name),
    schema: fields[name] ?? { type: 'string' },
    ...(fields[name]?.description ? { description: fields[name].description } : {}),
  })
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path')),
    ...(hasQuery ? rest.map((name) => parameter(name, 'query')) : []),
    ...(hasQuery
      ? []
      : [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: false,
            schema: { type: 'string', maxLength: 255 },
          },
        ]),
  ]
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description ? { description: operation.description } : {}),
    tags: [operation.tag],
    ...(operation.scope === null ? { security: [] } : { 'x-scope': operation.scope }),
    parameters,
    ...(hasQuery ? {} : { requestBody: bodyOf(operation, fields, rest, required) }),
    responses: responsesOf(operation),
  }
}

function bodyOf(
  operation: Operation,
  fields: Record<string, Json>,
  names: string[],
  required: Set<string>,
): Json {
  const single: Json = {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, fields[name]])),
    required: names.filter((name) => required.has(name)),
    additionalProperties: false,
  }
  const schema =
    'batch' in operation
      ? {
          oneOf: [
            single,
            {
              type: 'object',
              required: [operation.batch.key],
              additionalProperties: false,
              properties: {
                [operation.batch.key]: {
                  type: 'array',
                  minItems: 1,
                  maxItems: operation.batch.max,
                  items: single,
                },
              },
            },
          ],
        }
      : single
  return {
    required: names.some((name) => required.has(name)),
    content: { 'application/json': { schema } },
  }
}

function responsesOf(operation: Operation): Json {
  const output = jsonSchema(operation.output, 'output')
  const success = operation.status ?? (operation.method === 'POST' ? 201 : 200)
  const content: Json = { 'application/json': { schema: output } }
  if (operation.csv) content['text/csv'] = { schema: { type: 'string' } }
  const responses: Json = {
    [success]: success === 204 ? { description: 'Done' } : { description: 'Done', content },
    default: { $ref: '#/components/responses/Problem' },
  }
  if ('batch' in operation) {
    if (success !== 200) responses['200'] = { description: 'Already there', content }
    responses['207'] = {
      description: 'One outcome for each item, in order',
      content: { 'application/json': { schema: batchSchema(output) } },
    }
  }
  return responses
}

function batchSchema(output: Json): Json {
  return {
    type: 'object',
    required: ['outcomes', 'summary'],
    properties: {
      outcomes: {
        type: 'array',
        items: {
          type: 'object',
          required: ['status'],
          properties: {
            status: { type: 'integer' },
            data: output,
            problem: { $ref: '#/components/schemas/Problem' },
          },
        },
      },
      summary: {
        type: 'object',
        properties: {
          items: { type: 'integer' },
          done: { type: 'integer' },
          refused: { type: 'integer' },
        },
      },
    },
  }
}

/** The wire's JSON Schema: dates as RFC 3339 text, and no regular expressions too long to read. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: node }) {
      if (zodSchema._zod.def.type === 'date')
        Object.assign(node, { type: 'string', format: 'date-time' })
      if (typeof node.pattern === 'string' && node.pattern.length > 80) delete node.pattern
    },
  }) as Json
  return json
}
