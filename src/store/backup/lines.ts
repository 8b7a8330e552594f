import { z } from 'zod'

/** The lines of a backup, in this order: head, then table, rows and sum of each table, sequences, done. */
const Line = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('head'), migrations: z.array(z.string()) }),
  z.object({ kind: z.literal('table'), name: z.string(), columns: z.array(z.string()) }),
  /** Rows as PostgreSQL writes them as text. */
  z.object({ kind: z.literal('rows'), rows: z.array(z.string()) }),
  z.object({ kind: z.literal('sum'), rows: z.string(), checksum: z.string() }),
  z.object({
    kind: z.literal('sequences'),
    places: z.array(z.object({ name: z.string(), lastValue: z.string() })),
  }),
  z.object({ kind: z.literal('done'), tables: z.number() }),
])
export type Line = z.infer<typeof Line>

export const toText = (line: Line): string => `${JSON.stringify(line)}\n`

/** Lines out of text that comes in pieces of any size. */
export async function* parseLines(text: AsyncIterable<string>): AsyncIterable<Line> {
  let rest = ''
  for await (const piece of text) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield Line.parse(JSON.parse(line))
  }
}
