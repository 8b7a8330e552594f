import { infiniteQueryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { read, type QueryFields } from '#console/api.ts'

/** A list of the API, a page at a time; `area` is what an act on it reads again. */
export function listQuery<Page extends { nextCursor: string | null }>(
  area: readonly string[],
  schema: z.ZodType<Page>,
  path: string,
  fields: QueryFields = {},
  limit = 50,
) {
  return infiniteQueryOptions({
    queryKey: [...area, path, fields, limit],
    queryFn: ({ pageParam, signal }) =>
      read(schema, path, { ...fields, limit, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}
