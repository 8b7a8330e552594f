import { z } from 'zod'
import { Problem } from '#core/problem.ts'

/** The query fields of every list: `limit` rows (1 to 500, default 50) after `cursor`. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50).meta({ description: 'Rows a page' }),
  cursor: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'The nextCursor of the page before' }),
})
export type PageQuery = z.infer<typeof PageQuery>

/** The wire shape of every list. `nextCursor` is null on the last page. */
export function Page<T extends z.ZodType>(row: T) {
  return z.object({ data: z.array(row), nextCursor: z.string().nullable() })
}

export interface PageOf<T> {
  data: T[]
  nextCursor: string | null
}

/** The sort values of a row as an opaque cursor. */
export function encodeCursor(values: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

/**
 * The sort values that a cursor holds.
 * @throws Problem `request.invalid` when it is not one of ours or has another number of values.
 */
export function decodeCursor(cursor: string, length: number): (string | number | null)[] {
  const refuse = () =>
    new Problem(
      'request.invalid',
      'The cursor is not one this list gave out: start again without it.',
      {
        errors: [
          { pointer: '/cursor', detail: 'Use the nextCursor of a page of this list, unchanged.' },
        ],
      },
    )
  let values: unknown
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch (cause) {
    throw Object.assign(refuse(), { cause })
  }
  const plain = (value: unknown) =>
    value === null || typeof value === 'string' || Number.isFinite(value)
  if (!Array.isArray(values) || values.length !== length || !values.every(plain)) throw refuse()
  return values as (string | number | null)[]
}

/**
 * Cuts rows fetched with `limit + 1` to a page.
 * @param sortValues  the values of a row in the list's order, the id last, from which the next page goes on.
 */
export function cutPage<T>(
  rows: T[],
  limit: number,
  sortValues: (row: T) => (string | number | null)[],
): PageOf<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return {
    data,
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(sortValues(last)) : null,
  }
}
