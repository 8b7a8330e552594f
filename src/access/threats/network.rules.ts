import { sourceOf } from '#access/sign-in/throttle.ts'

/** The network around an address: its /24, or its /48, which is what one site gets of IPv6 (RFC 6177). */
export function networkOf(remoteAddress: string): string {
  const source = sourceOf(remoteAddress)
  return source.includes(':')
    ? `${source.split(':').slice(0, 3).join(':')}::/48`
    : `${source.split('.').slice(0, 3).join('.')}.0/24`
}

/** The kind of software that calls: versions come and go, and do not make another one of it. */
export function agentOf(userAgent: string | undefined): string {
  return (userAgent ?? '').slice(0, 300).replaceAll(/[\d._]+/g, '')
}

/** A browser with both kinds of address uses them by turns: only within one kind is a change of network a change of place. */
export const isOfSix = (network: string): boolean => network.includes(':')
