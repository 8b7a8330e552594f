import { createServer, type AddressInfo, type Socket } from 'node:net'

/** A mail as the server took it. */
export interface ReceivedMail {
  from: string
  to: string[]
  headers: Record<string, string>
  body: string
}

/** A small mail server over a real socket: takes what it is given, or answers as `refuse` says. */
export interface SmtpServer {
  url: string
  mails: ReceivedMail[]
  /** The reply to each recipient; null takes it. */
  refuse: (address: string) => string | null
  /** Stops listening and drops who is connected; `start` listens on the same port again. */
  stop(): Promise<void>
  start(): Promise<void>
}

export async function startSmtp(): Promise<SmtpServer> {
  const sockets = new Set<Socket>()
  let port = 0
  const smtp: SmtpServer = {
    url: '',
    mails: [],
    refuse: () => null,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
    async start() {
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
      smtp.url = `smtp://127.0.0.1:${port}`
    },
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    converse(socket, smtp)
  })
  await smtp.start()
  return smtp
}

/** One session of RFC 5321, as far as a client without extensions needs it. */
function converse(socket: Socket, smtp: SmtpServer): void {
  let pending = ''
  let data: string[] | null = null
  let envelope = { from: '', to: [] as string[] }
  const say = (line: string) => socket.write(`${line}\r\n`)
  const address = (line: string) => /<([^>]*)>/.exec(line)?.[1] ?? ''
  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'EHLO' || verb === 'HELO') say('250 mail.test')
    else if (verb === 'MAIL') {
      envelope = { from: address(line), to: [] }
      say('250 OK')
    } else if (verb === 'RCPT') {
      const refusal = smtp.refuse(address(line))
      if (refusal === null) envelope.to.push(address(line))
      say(refusal ?? '250 OK')
    } else if (verb === 'DATA') {
      data = []
      say('354 Go on')
    } else if (verb === 'QUIT') {
      say('221 Bye')
      socket.end()
    } else say(verb === 'RSET' || verb === 'NOOP' ? '250 OK' : '502 Not known')
  }
  const take = (line: string): void => {
    if (data === null) command(line)
    else if (line === '.') {
      smtp.mails.push({ ...envelope, ...parse(data) })
      data = null
      say('250 Taken')
    } else data.push(line.startsWith('..') ? line.slice(1) : line)
  }
  say('220 mail.test ready')
  socket.on('data', (chunk) => {
    const lines = (pending + chunk.toString('utf8')).split('\r\n')
    pending = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}

function parse(lines: readonly string[]): Pick<ReceivedMail, 'headers' | 'body'> {
  const end = lines.indexOf('')
  const unfolded = lines
    .slice(0, end)
    .join('\n')
    .replaceAll(/\n[ \t]+/g, ' ')
    .split('\n')
  const headers = Object.fromEntries(
    unfolded.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const body = lines.slice(end + 1).join('\n')
  const isQuoted = headers['content-transfer-encoding'] === 'quoted-printable'
  return { headers, body: isQuoted ? unquote(body) : body }
}

function unquote(text: string): string {
  const bytes = text
    .replaceAll(/=\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
