import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import * as formats from 'ajv-formats'
import type { TestContext } from 'vitest'
import { isObject, objectOf, type Json, type JsonObject } from '#sandbox/json.ts'

/**
 * Vendors' published specifications, kept outside of the repository for their licences. Without them
 * (`THROUGHLINE_VENDOR_SPECS`) there is nothing to hold a sandbox against.
 */
const SPECS = process.env['THROUGHLINE_VENDOR_SPECS'] ?? '../shared/vendor-apis/specs'

export function hasSpecs(name: string): boolean {
  return existsSync(join(SPECS, name))
}

export function readSpec(name: string): JsonObject {
  return objectOf(JSON.parse(readFileSync(join(SPECS, name), 'utf8')) as Json)
}

/** Shows in the report and on the terminal that nothing was checked, and why. */
export async function sayAbsent(annotate: TestContext['annotate']): Promise<void> {
  const notice = `No vendor specifications at ${SPECS}: the sandbox's answers were not checked.`
  process.stderr.write(`${notice}\n`)
  await annotate(notice, 'warning')
}

/** One API description, made ready for checking calls against it. */
export class VendorSpec {
  readonly paths: JsonObject
  readonly #ajv = new Ajv({ strict: false, allErrors: true })

  constructor(name: string) {
    const spec = objectOf(toJsonSchema(readSpec(name)))
    this.paths = objectOf(spec['paths'])
    formats.default.default(this.#ajv)
    this.#ajv.addSchema({ $id: 'spec', ...spec })
  }

  /** The operation of a call; null when it is not described. */
  operation(method: string, path: string): { template: string; operation: JsonObject } | null {
    const template = templateOf(Object.keys(this.paths), path)
    if (template === null) return null
    const operation = objectOf(this.paths[template])[method.toLowerCase()]
    return operation === undefined ? null : { template, operation: objectOf(operation) }
  }

  /** What is wrong with the body of a call, by the description; null when nothing is or no shape is described. */
  requestErrors(method: string, path: string, body: unknown): string | null {
    return this.#errors(method, path, ['requestBody'], body)
  }

  /**
   * What is wrong with an answer.
   * @param isForgiven  true for deviations of the description from what the vendor really sends.
   */
  answerErrors(
    method: string,
    path: string,
    { status, json }: { status: number; json: unknown },
    isForgiven: (error: ErrorObject, json: unknown) => boolean = () => false,
  ): string | null {
    const found = this.operation(method, path)
    if (!found) return 'not in the specification'
    if (objectOf(found.operation['responses'])[String(status)] === undefined) {
      return `${status} ${JSON.stringify(json)?.slice(0, 200)}`
    }
    const why = this.#errors(method, path, ['responses', String(status)], json, isForgiven)
    return why === null ? null : `${status} ${why}`
  }

  #errors(
    method: string,
    path: string,
    place: string[],
    json: unknown,
    isForgiven: (error: ErrorObject, json: unknown) => boolean = () => false,
  ): string | null {
    const validate = this.#validator(method, path, place)
    if (!validate || validate(json)) return null
    const errors = (validate.errors ?? []).filter((error) => !isForgiven(error, json))
    return errors.length === 0 ? null : this.#ajv.errorsText(errors)
  }

  #validator(method: string, path: string, place: string[]): ValidateFunction | null {
    const found = this.operation(method, path)
    if (!found) return null
    const holder = place.reduce<JsonObject>((at, name) => objectOf(at[name]), found.operation)
    const media = objectOf(objectOf(holder['content'])['application/json'])
    if (media['schema'] === undefined) return null
    const pointer = ['paths', found.template, method.toLowerCase(), ...place]
    const segments = [...pointer, 'content', 'application/json', 'schema'].map(escape)
    return this.#ajv.compile({ $ref: `spec#/${segments.join('/')}` })
  }
}

const variables = (template: string) => template.split('{').length

/** The specification's path template of a path, literal segments before variables. */
function templateOf(paths: readonly string[], path: string): string | null {
  const wanted = path.split('?')[0]?.split('/') ?? []
  const fits = paths.filter((template) => {
    const segments = template.split('/')
    return (
      segments.length === wanted.length &&
      segments.every((segment, i) => segment.startsWith('{') || segment === wanted[i])
    )
  })
  return fits.sort((a, b) => variables(a) - variables(b))[0] ?? null
}

/** OpenAPI's `nullable` as JSON Schema has it. */
function toJsonSchema(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(toJsonSchema)
  if (!isObject(schema)) return schema
  const { nullable, ...rest } = schema
  const converted = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, toJsonSchema(value)]),
  )
  return nullable === true && typeof converted['type'] === 'string'
    ? { ...converted, type: [converted['type'], 'null'] }
    : converted
}

/** A JSON pointer's segment within a URI fragment. */
function escape(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))
}
