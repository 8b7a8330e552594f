import type { z } from 'zod'
import { Problem } from '#core/problem.ts'

/**
 * The JSON body of a raw route, by its schema.
 * @throws Problem `request.malformed` or `request.invalid`, which names the first fault
 */
export function readJson<S extends z.ZodType>(schema: S, body: Buffer): z.output<S> {
  let sent: unknown
  try {
    sent = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new Problem('request.malformed', 'The body is not valid JSON.', { cause })
  }
  const parsed = schema.safeParse(sent)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Problem(
    'request.invalid',
    `/${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'The input does not fit.'}`,
  )
}
