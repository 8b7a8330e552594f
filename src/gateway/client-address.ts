import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { isLoopback, networkList, plainAddress } from '#core/network.ts'

/** Which header the trusted proxies write; one they do not write may hold whatever a client sent, and is not read. */
export type ProxyHeader = 'x-forwarded-for' | 'forwarded'

/** Where a request comes from, as limits, threats, sessions and the audit log take it. */
export interface Client {
  address: string
  /** It went over a network without TLS. */
  isPlain: boolean
}

export type ClientOf = (request: IncomingMessage) => Client

const MAX_HOPS = 50

/**
 * Finds out who is at the other end. Forwarding headers count only where the socket's other end is a trusted proxy, and in them
 * only what trusted proxies added: read from the right, the first address that is none of theirs is the client's.
 * @param trusted  addresses and networks (CIDR) of the proxies; none: only the socket counts.
 */
export function createClientOf(trusted: readonly string[], header: ProxyHeader): ClientOf {
  const isTrusted = networkList(trusted)
  return (request) => {
    const { socket, headers } = request
    const peer = plainAddress(socket.remoteAddress ?? '')
    const isEncrypted = 'encrypted' in socket && socket.encrypted === true
    if (trusted.length === 0 || !isTrusted(peer))
      return { address: peer, isPlain: !isEncrypted && !isLoopback(peer) }
    const text = headers[header]
    const hops =
      header === 'forwarded'
        ? readForwarded(textOf(text))
        : readForwardedFor(textOf(text), textOf(headers['x-forwarded-proto']))
    return clientAmong(hops, peer, isTrusted)
  }
}

interface Hop {
  /** Null: hidden, unknown, or not readable. */
  address: string | null
  proto: string | null
}

/** A proxy that does not say how it was reached ends TLS, as whoever named it said. */
function clientAmong(
  hops: readonly Hop[],
  peer: string,
  isTrusted: (address: string) => boolean,
): Client {
  let client: Client = { address: peer, isPlain: false }
  for (const { address, proto } of hops.slice(-MAX_HOPS).reverse()) {
    const isPlain: boolean = client.isPlain || proto === 'http'
    if (address === null) return { address: client.address, isPlain }
    client = { address, isPlain: isPlain && !isLoopback(address) }
    if (!isTrusted(address)) return client
  }
  return client
}

/** `X-Forwarded-For: client, proxy1, proxy2`; how the last proxy was reached is in `X-Forwarded-Proto`. */
function readForwardedFor(text: string, protoText: string): Hop[] {
  if (text === '') return []
  const parts = text.split(',')
  const proto = protoText.split(',').at(-1)?.trim().toLowerCase() ?? ''
  return parts.map((part, i) => ({
    address: readAddress(part.trim()),
    proto: i === parts.length - 1 ? proto : null,
  }))
}

/** `Forwarded: for=192.0.2.43;proto=https, for="[2001:db8:cafe::17]:4711"` (RFC 7239 §4). */
function readForwarded(text: string): Hop[] {
  if (text === '') return []
  return splitOutsideQuotes(text, ',').map((element) => {
    const pairs = new Map<string, string>()
    for (const pair of splitOutsideQuotes(element, ';')) {
      const cut = pair.indexOf('=')
      if (cut > 0) pairs.set(pair.slice(0, cut).trim().toLowerCase(), unquote(pair.slice(cut + 1)))
    }
    return {
      address: readAddress(pairs.get('for') ?? ''),
      proto: pairs.get('proto')?.toLowerCase() ?? null,
    }
  })
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '"' && text[i - 1] !== '\\') isQuoted = !isQuoted
    else if (text[i] === separator && !isQuoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...parts, text.slice(start)]
}

const unquote = (text: string) => text.trim().replace(/^"(.*)"$/, '$1')

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
function readAddress(text: string): string | null {
  const host =
    /^\[([^\]]+)\]/.exec(text)?.[1] ?? (text.split(':').length === 2 ? text.split(':')[0]! : text)
  return isIP(host) === 0 ? null : plainAddress(host)
}

const textOf = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(',') : (value ?? '')
