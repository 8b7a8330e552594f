import type { Exchange } from '#gateway/exchange.ts'

/** Sends the answer. A reader whose copy is still the newest gets 304. */
export async function respond(exchange: Exchange): Promise<void> {
  const { answer, reply, request } = exchange
  if (answer === null) throw new Error(`${exchange.operation.id} ended without an answer`)
  const isFresh =
    request.method === 'GET' &&
    answer.headers.etag !== undefined &&
    request.headers['if-none-match'] === answer.headers.etag
  if (isFresh) {
    await reply.status(304).header('etag', answer.headers.etag).send()
    return
  }
  await reply.status(answer.status).headers(answer.headers).send(Buffer.from(answer.body)) // as bytes: Fastify would add a charset that problem+json does not define
}
