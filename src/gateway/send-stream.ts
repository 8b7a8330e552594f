import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { toProblem } from '#gateway/problem.ts'

/** The status by which logs and figures know a call whose caller went away; nobody is sent it. */
const LEFT = 499

/** A body that broke off after its head was sent: nothing can be answered any more. */
export class CutOff extends Error {
  /** As the call is counted. */
  readonly status: number

  constructor(status: number, cause: unknown) {
    super(status === LEFT ? 'the caller went away' : 'the body broke off', { cause })
    this.status = status
  }
}

/**
 * Sends a body as it comes, and waits until the caller has it. When its source fails the connection is cut: the last chunk of the
 * transfer never comes, so that no caller takes what there is for the whole.
 *
 * @throws CutOff
 */
export async function sendStream(reply: FastifyReply, source: Readable): Promise<void> {
  const { raw } = reply
  let fault: { cause: unknown } | null = null
  let hasLeft = false
  source.once('error', (cause) => {
    if (!hasLeft) fault = { cause }
    if (raw.headersSent) raw.destroy()
  })
  raw.once('close', () => {
    hasLeft = fault === null
  })
  let gone: unknown = null
  try {
    await reply.send(source)
  } catch (thrown) {
    gone = thrown
  }
  const known = fault as { cause: unknown } | null
  if (known !== null) throw new CutOff(toProblem(known.cause).status, known.cause)
  if (gone !== null || !raw.writableFinished) throw new CutOff(LEFT, gone)
}
