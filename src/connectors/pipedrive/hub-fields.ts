import { VendorFault } from '#sync/connector.ts'
import type { PipedriveField } from './answers.ts'
import type { FieldPath, PipedriveClient } from './client.ts'
import type { HubField } from './fields.ts'

/** By our key: the 40-character code that the field has in this company. */
export type Codes = ReadonlyMap<string, string>

/**
 * The hub's own fields of one kind of record. Their codes differ from company to company: they are found once by name and
 * kept, so that a field that someone renames stays ours.
 */
export class HubFields {
  readonly #client: PipedriveClient
  readonly #path: FieldPath
  readonly #fields: readonly HubField[]
  #codes: Promise<Codes> | null = null
  #all: Promise<PipedriveField[]> | null = null

  constructor(client: PipedriveClient, path: FieldPath, fields: readonly HubField[]) {
    this.#client = client
    this.#path = path
    this.#fields = fields
  }

  /**
   * The codes; kept ones cost no call.
   * @throws VendorFault `mapping` when one of the fields is missing: `prepare` puts it back.
   */
  async codes(signal: AbortSignal): Promise<Codes> {
    this.#codes ??= this.#read(signal).catch((error: unknown) => {
      this.#codes = null // ask again next time
      throw error
    })
    return this.#codes
  }

  /** The codes that can be known without a missing field being a fault: for reading. */
  async knownCodes(signal: AbortSignal): Promise<Codes> {
    const kept = this.#kept()
    return kept.size === this.#fields.length ? kept : await this.#found(signal)
  }

  /** All fields of the kind, asked for once a session. */
  all(signal: AbortSignal): Promise<PipedriveField[]> {
    this.#all ??= this.#client.fields(this.#path, signal).catch((error: unknown) => {
      this.#all = null // ask again next time
      throw error
    })
    return this.#all
  }

  /** Adds those of our fields that the company lacks, and keeps the codes of all. */
  async ensure(signal: AbortSignal): Promise<void> {
    this.#all = null
    const codes = new Map(await this.#found(signal))
    for (const { key, name, type } of this.#fields) {
      if (codes.has(key)) continue
      const field = { field_name: name, field_type: type }
      codes.set(key, await this.#client.createField(this.#path, field, signal))
    }
    this.#all = null
    this.#codes = Promise.resolve(codes)
    const kept = { ...this.#client.keptCodes, [this.#path]: Object.fromEntries(codes) }
    await this.#client.keepCodes(kept)
  }

  /**
   * After a refusal: whether one of our fields is not there any more.
   * @throws VendorFault `mapping` then, so that they are put back before the next try.
   */
  async assertThere(signal: AbortSignal): Promise<void> {
    if (this.#fields.length === 0) return
    this.#all = null
    const found = await this.#found(signal)
    const missing = this.#fields.filter(({ key }) => !found.has(key))
    if (missing.length === 0) return
    this.#codes = null
    throw missingFault(missing)
  }

  async #read(signal: AbortSignal): Promise<Codes> {
    const codes = await this.knownCodes(signal)
    const missing = this.#fields.filter(({ key }) => !codes.has(key))
    if (missing.length > 0) throw missingFault(missing)
    return codes
  }

  #kept(): Codes {
    const kept = this.#client.keptCodes[this.#path] ?? {}
    return new Map(
      this.#fields.flatMap(({ key }) =>
        kept[key] === undefined ? [] : [[key, kept[key]] as const],
      ),
    )
  }

  /** Our fields among those of the company: by the kept code, else by name. */
  async #found(signal: AbortSignal): Promise<Codes> {
    const custom = (await this.all(signal)).filter((field) => field.is_custom_field)
    const present = new Set(custom.map((field) => field.field_code))
    const byName = new Map(custom.map((field) => [field.field_name, field.field_code]))
    const kept = this.#kept()
    return new Map(
      this.#fields.flatMap(({ key, name }) => {
        const code = kept.get(key)
        const found = code !== undefined && present.has(code) ? code : byName.get(name)
        return found === undefined ? [] : [[key, found] as const]
      }),
    )
  }
}

function missingFault(missing: readonly HubField[]): VendorFault {
  const names = missing.map(({ name }) => name).join(', ')
  return new VendorFault('mapping', `Pipedrive has no field ${names}.`, { code: 'FIELD_MISSING' })
}
