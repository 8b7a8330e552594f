import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedPost {
  path: string
  body: string
  headers: Record<string, string>
}

/** An HTTP server that keeps what is posted to it. */
export interface Receiver {
  host: string
  url(path: string): string
  posts: ReceivedPost[]
  /** What is answered; 204 unless a test says otherwise. */
  answer: (post: ReceivedPost, response: ServerResponse) => void
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (chunk: Buffer) => parts.push(chunk))
    request.on('end', () => {
      const post = {
        path: request.url ?? '',
        body: Buffer.concat(parts).toString('utf8'),
        headers: request.headers as Record<string, string>,
      }
      receiver.posts.push(post)
      receiver.answer(post, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    host: `127.0.0.1:${port}`,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    posts: [],
    answer: (_post, response) => response.writeHead(204).end(),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return receiver
}
