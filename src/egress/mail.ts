import { createTransport } from 'nodemailer'
import { isThisMachine } from '#core/network.ts'
import { SECOND_MS } from '#core/time.ts'
import type { Attempt } from './delivery.rules.ts'

const TIMEOUT_MS = 20 * SECOND_MS

export interface Mail {
  /** Stays the same over retries, so that a mailbox that had it can tell. */
  id: string
  /** What it belongs to: mails of one thread are shown together. */
  thread: string
  to: readonly string[]
  subject: string
  text: string
  at: Date
}

/** The way out by e-mail: one mail server, named by whoever runs the hub. */
export interface Mailer {
  /**
   * Hands a mail to the server. Every failure is an answer too: this never throws.
   * `error` of a mail that was taken says how many of its addresses were not.
   */
  send(mail: Mail): Promise<Attempt>
}

/**
 * @param url  smtp:// (TLS is begun before anything is said, except on this machine) or smtps://, with user and password where needed.
 * @param from  the sender, as `Name <address>` or an address.
 * @param plainAllowed  `host:port` of servers that may be spoken to without TLS.
 */
export function createMailer(
  url: string,
  from: string,
  plainAllowed: readonly string[] = [],
): Mailer {
  const transport = createTransport({
    url,
    requireTLS: !mayBePlain(new URL(url), plainAllowed),
    tls: { minVersion: 'TLSv1.2' },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = /@([\w.-]+)/.exec(from)?.[1] ?? 'throughline.invalid'
  const idOf = (name: string) => `<${name}@${domain}>`
  return {
    async send({ id, thread, to, subject, text, at }) {
      const startedAtMs = performance.now()
      const since = () => Math.round(performance.now() - startedAtMs)
      try {
        const { rejected } = await transport.sendMail({
          from,
          to: [...to],
          subject,
          text,
          date: at,
          messageId: idOf(id),
          references: idOf(thread),
          inReplyTo: idOf(thread),
          // So that nobody's out-of-office answers (RFC 3834).
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
        const error =
          rejected.length === 0
            ? null
            : `The mail server refused ${rejected.length} of ${to.length} addresses.`
        return { status: 250, error, retryAfterMs: null, durationMs: since() }
      } catch (error) {
        return { ...failureOf(error), retryAfterMs: null, durationMs: since() }
      }
    },
  }
}

export function mayBePlain({ hostname, port }: URL, allowed: readonly string[]): boolean {
  return isThisMachine(hostname) || allowed.includes(`${hostname}:${port === '' ? '25' : port}`)
}

/** The server's reply code and the library's name of the failure; its text may quote addresses and is left out. */
function failureOf(error: unknown): { status: number | null; error: string } {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown }
  return {
    status: typeof responseCode === 'number' ? responseCode : null,
    error: typeof code === 'string' ? code : 'unknown',
  }
}
