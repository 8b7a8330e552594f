import { z } from 'zod'

/** Where personal values stand in an answer, and what is shown in place of them. Null: nowhere. */
export type Mask =
  | { kind: 'value'; shown: unknown }
  | { kind: 'object'; fields: ReadonlyMap<string, Mask> }
  | { kind: 'each'; item: Mask }

const plans = new WeakMap<z.ZodType, { mask: Mask | null }>()

/** The mask of an output schema, from its `meta({ personal })`; made once. */
export function maskOf(schema: z.ZodType): Mask | null {
  let plan = plans.get(schema)
  if (!plan) {
    plan = { mask: build(schema, 0) }
    plans.set(schema, plan)
  }
  return plan.mask
}

/** The wire value with its personal values replaced. What is absent stays absent; the form stays that of the schema. */
export function applyMask(mask: Mask, value: unknown): unknown {
  if (value === null || value === undefined) return value
  switch (mask.kind) {
    case 'value':
      return mask.shown
    case 'each':
      if (Array.isArray(value)) return value.map((item) => applyMask(mask.item, item))
      return typeof value === 'object'
        ? mapValues(value, (item) => applyMask(mask.item, item))
        : value
    case 'object': {
      if (typeof value !== 'object' || Array.isArray(value)) return value
      const copy: Record<string, unknown> = { ...value }
      for (const [name, inner] of mask.fields)
        if (name in copy) copy[name] = applyMask(inner, copy[name])
      return copy
    }
  }
}

function mapValues(value: object, change: (item: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item)]))
}

/** Deeper than any of our schemas; a schema that holds itself ends here. */
const MAX_DEPTH = 30

function build(schema: z.ZodType, depth: number): Mask | null {
  if (depth > MAX_DEPTH) return null
  if (schema.meta()?.['personal'] !== undefined) return { kind: 'value', shown: shownFor(schema) }
  if (schema instanceof z.ZodObject) {
    const fields = new Map<string, Mask>()
    for (const [name, field] of Object.entries(schema.shape)) {
      const mask = build(field as z.ZodType, depth + 1)
      if (mask) fields.set(name, mask)
    }
    return fields.size > 0 ? { kind: 'object', fields } : null
  }
  const inner = innerOf(schema)
  if (inner.each) {
    const item = build(inner.each, depth + 1)
    return item && { kind: 'each', item }
  }
  return inner.options
    .map((option) => build(option, depth + 1))
    .reduce((all, mask) => (all && mask ? unite(all, mask) : (all ?? mask)), null)
}

/** What a schema wraps: the items of a list or record, or what stands in its place. */
function innerOf(schema: z.ZodType): { each: z.ZodType | null; options: z.ZodType[] } {
  const as = (value: unknown) => value as z.ZodType
  if (schema instanceof z.ZodArray) return { each: as(schema.element), options: [] }
  if (schema instanceof z.ZodRecord) return { each: as(schema.valueType), options: [] }
  if (schema instanceof z.ZodUnion) return { each: null, options: schema.options.map(as) }
  if (schema instanceof z.ZodIntersection)
    return { each: null, options: [as(schema.def.left), as(schema.def.right)] }
  if (schema instanceof z.ZodPipe) return { each: null, options: [as(schema.in), as(schema.out)] }
  if (schema instanceof z.ZodLazy) return { each: null, options: [as(schema.unwrap())] }
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodPrefault
  )
    return { each: null, options: [as(schema.unwrap())] }
  return { each: null, options: [] }
}

/** Of a choice of forms every one is masked where any is. */
function unite(a: Mask, b: Mask): Mask {
  if (a.kind === 'object' && b.kind === 'object') {
    const fields = new Map(a.fields)
    for (const [name, mask] of b.fields) {
      const own = fields.get(name)
      fields.set(name, own ? unite(own, mask) : mask)
    }
    return { kind: 'object', fields }
  }
  if (a.kind === 'each' && b.kind === 'each') return { kind: 'each', item: unite(a.item, b.item) }
  return a.kind === 'value' ? a : b
}

const CANDIDATES: readonly unknown[] = [
  '•••',
  'masked@masked.invalid',
  'https://masked.invalid/',
  '+10000000',
  {},
  [],
  0,
  false,
  '2000-01-01',
  '2000-01-01T00:00:00.000Z',
]

/** The first stand-in that the schema itself takes, so that a masked answer still has the documented form. */
function shownFor(schema: z.ZodType): unknown {
  return CANDIDATES.find((candidate) => schema.safeParse(candidate).success) ?? null
}
