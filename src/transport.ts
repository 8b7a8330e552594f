import tls from 'node:tls'
import { ConfigError, type Config } from '#config.ts'
import { isThisMachine } from '#core/network.ts'

type ListenSettings = Pick<
  Config,
  'httpHost' | 'tlsCertFile' | 'tlsKeyFile' | 'trustedProxies' | 'publicUrl'
>

/**
 * How the hub may listen: with a certificate of its own, behind proxies that end TLS, or on this machine only.
 * @throws ConfigError that says which of them to choose.
 */
export function checkListening(config: ListenSettings): void {
  const { httpHost, tlsCertFile, tlsKeyFile, trustedProxies, publicUrl } = config
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined))
    throw new ConfigError(
      'THROUGHLINE_TLS_CERT_FILE and THROUGHLINE_TLS_KEY_FILE belong together: set both or none.',
    )
  const isPublicPlain = publicUrl?.startsWith('http:') === true
  if (tlsCertFile !== undefined) {
    if (isPublicPlain)
      throw new ConfigError(
        `THROUGHLINE_PUBLIC_URL=${publicUrl}: the hub speaks TLS, so it must begin with https://.`,
      )
    return
  }
  if (isThisMachine(httpHost)) return
  if (trustedProxies.length === 0)
    throw new ConfigError(
      `THROUGHLINE_HTTP_HOST=${httpHost}: keys and personal data would go over the network in the clear. Give the hub a certificate (THROUGHLINE_TLS_CERT_FILE, THROUGHLINE_TLS_KEY_FILE), or name the proxies that end TLS before it (THROUGHLINE_TRUSTED_PROXIES), or listen on 127.0.0.1.`,
    )
  if (publicUrl === undefined || isPublicPlain)
    throw new ConfigError(
      'THROUGHLINE_PUBLIC_URL must be the https:// address of the proxy where THROUGHLINE_TRUSTED_PROXIES is set and the hub listens beyond this machine.',
    )
}

/**
 * Holds every way out to TLS 1.2 and newer, and tells which go out without.
 * @returns sentences for the log.
 * @throws ConfigError where a way may not stay plain.
 */
export function checkWaysOut(
  config: Pick<Config, 'databaseUrl' | 'redisUrl' | 'otlpEndpoint' | 'plainLinks' | 'egressAllow'>,
): string[] {
  tls.DEFAULT_MIN_VERSION = 'TLSv1.2'
  const { databaseUrl, redisUrl, otlpEndpoint, plainLinks, egressAllow } = config
  if (otlpEndpoint !== undefined && isPlainHttp(otlpEndpoint, egressAllow))
    throw new ConfigError(
      'OTEL_EXPORTER_OTLP_ENDPOINT goes over the network without TLS: use https, or name its host:port in THROUGHLINE_EGRESS_ALLOW.',
    )
  const plain = [
    ...(databaseUrl !== undefined && isPlainDatabase(databaseUrl)
      ? ['DATABASE_URL goes over the network without proven TLS: add sslmode=verify-full to it.']
      : []),
    ...(redisUrl !== undefined && isPlainRedis(redisUrl)
      ? ['REDIS_URL goes over the network without TLS: use rediss://.']
      : []),
  ]
  if (plain.length > 0 && plainLinks === 'refuse')
    throw new ConfigError(`${plain.join(' ')} THROUGHLINE_PLAIN_LINKS=refuse does not allow it.`)
  return plain
}

function isPlainHttp(text: string, allowed: readonly string[]): boolean {
  const { protocol, hostname, port } = new URL(text)
  const address = `${hostname}:${port === '' ? '80' : port}`
  return protocol === 'http:' && !isThisMachine(hostname) && !allowed.includes(address)
}

const PROVEN = new Set(['require', 'verify-ca', 'verify-full'])

/** As the driver reads the URL: with libpq's meaning, `require` takes any certificate. */
function isPlainDatabase(text: string): boolean {
  if (!URL.canParse(text)) return false // the driver says what is wrong with it
  const { hostname, searchParams } = new URL(text)
  const host = searchParams.get('host') ?? decodeURIComponent(hostname)
  if (host === '' || host.startsWith('/') || isThisMachine(host)) return false
  const mode = searchParams.get('sslmode')
  if (mode === null) return !['true', '1'].includes(searchParams.get('ssl') ?? '')
  return !PROVEN.has(mode) || (mode === 'require' && searchParams.get('uselibpqcompat') === 'true')
}

function isPlainRedis(text: string): boolean {
  return URL.canParse(text) && text.startsWith('redis:') && !isThisMachine(new URL(text).hostname)
}
