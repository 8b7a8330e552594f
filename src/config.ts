import { resolve } from 'node:path'
import { z } from 'zod'
import { isThisMachine, isNetwork } from '#core/network.ts'

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
const file = z
  .string()
  .min(1)
  .optional()
  .transform((path) => (path === undefined ? undefined : resolve(path)))
const list = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
const isEncryptedOrHere = (text: string) => {
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname))
}
const port = z.coerce.number().int().min(0).max(65535)

/** Every setting: its environment name, type, default and sentence. `docs/reference/config.md` is made from this table. */
export const settings = {
  databaseUrl: {
    env: 'DATABASE_URL',
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
      .optional(),
    about: 'A PostgreSQL 15 or newer to use. Unset: the hub runs its own, in the data folder.',
  },
  redisUrl: {
    env: 'REDIS_URL',
    schema: z
      .string()
      .regex(/^rediss?:\/\//, 'must begin with redis://')
      .optional(),
    about:
      'A Redis that several hub processes share for rate limits. Unset: they share them through the database.',
  },
  dataDir: {
    env: 'THROUGHLINE_DATA_DIR',
    schema: z
      .string()
      .min(1)
      .default('.throughline')
      .transform((path) => resolve(path)),
    about: 'Folder of the embedded database and the key file.',
  },
  keyFile: {
    env: 'THROUGHLINE_KEY_FILE',
    schema: file,
    about:
      'File of the encryption keys; default keys.json in the data folder. Back it up apart from the database: without it personal data cannot be read.',
  },
  keyEncryptionKey: {
    env: 'THROUGHLINE_KEY_ENCRYPTION_KEY',
    secret: true,
    schema: z
      .base64('is Base64')
      .refine((text) => Buffer.from(text, 'base64').length === 32, 'is 32 bytes in Base64')
      .optional(),
    about:
      'Seals the keys in the key file, so that the file alone opens nothing: 32 random bytes in Base64, from a store of secrets. Keep it; without it the file is worth nothing. `master-key rotate` seals a file of before.',
  },
  transitUrl: {
    env: 'THROUGHLINE_TRANSIT_URL',
    schema: z
      .url()
      .refine(isEncryptedOrHere, 'must begin with https://, or be on this machine')
      .transform((text) => text.replace(/\/$/, ''))
      .optional(),
    about:
      'In its place a key service seals them: the transit engine of OpenBao or HashiCorp Vault, such as https://vault.example.com:8200/v1/transit. The hub asks it at each start.',
  },
  transitKey: {
    env: 'THROUGHLINE_TRANSIT_KEY',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,200}$/, 'is a name of letters, digits, _ . and -')
      .default('throughline'),
    about: 'The name of the key there, of a type with associated data such as aes256-gcm96.',
  },
  transitTokenFile: {
    env: 'THROUGHLINE_TRANSIT_TOKEN_FILE',
    schema: file,
    about:
      'File of the token for it, read at each call so that an agent may renew it. It needs update on encrypt and decrypt of that key.',
  },
  httpHost: {
    env: 'THROUGHLINE_HTTP_HOST',
    schema: z.string().min(1).default('127.0.0.1'),
    about:
      'Address to listen on. Beyond this machine the hub takes a certificate of its own, or trusted proxies.',
  },
  httpPort: {
    env: 'THROUGHLINE_HTTP_PORT',
    schema: port.default(4000),
    about: 'Port to listen on; 0 takes a free one.',
  },
  tlsCertFile: {
    env: 'THROUGHLINE_TLS_CERT_FILE',
    schema: file,
    about:
      'The hub’s certificate and its chain, in PEM: it then speaks TLS itself. A renewed file is taken up within ten seconds.',
  },
  tlsKeyFile: {
    env: 'THROUGHLINE_TLS_KEY_FILE',
    schema: file,
    about: 'The private key of the certificate, in PEM, without a passphrase.',
  },
  trustedProxies: {
    env: 'THROUGHLINE_TRUSTED_PROXIES',
    schema: list.refine(
      (all) => all.every(isNetwork),
      'is a list of addresses and networks, such as 10.0.0.5,10.1.0.0/16',
    ),
    about:
      'Addresses and networks of the proxies that end TLS before the hub, with commas between. What they say of the client counts; what others say does not.',
  },
  proxyHeader: {
    env: 'THROUGHLINE_PROXY_HEADER',
    schema: z.enum(['x-forwarded-for', 'forwarded']).default('x-forwarded-for'),
    about:
      'The header in which trusted proxies name the client. They must write it anew or add to it; the other one is not read.',
  },
  plainLinks: {
    env: 'THROUGHLINE_PLAIN_LINKS',
    schema: z.enum(['warn', 'refuse']).default('warn'),
    about:
      'What is done when PostgreSQL or Redis is reached over a network without TLS: a warning at the start, or no start.',
  },
  tlsRejectUnauthorized: {
    env: 'NODE_TLS_REJECT_UNAUTHORIZED',
    schema: z
      .string()
      .refine(
        (text) => text !== '0',
        'would take any certificate: trust an authority of your own by NODE_EXTRA_CA_CERTS',
      )
      .optional(),
    about: 'Must not be 0: certificates of others are always checked.',
  },
  publicUrl: {
    env: 'THROUGHLINE_PUBLIC_URL',
    schema: z
      .url()
      .optional()
      .transform((url) => url?.replace(/\/$/, '')),
    about: 'The hub’s address as browsers see it; default http(s)://host:port.',
  },
  oidcIssuer: {
    env: 'THROUGHLINE_OIDC_ISSUER',
    schema: z.url().optional(),
    about:
      'An outside OpenID provider by which invited people may sign in, such as https://accounts.example.com.',
  },
  oidcClientId: {
    env: 'THROUGHLINE_OIDC_CLIENT_ID',
    schema: z.string().min(1).optional(),
    about: 'The hub’s client id at the outside provider.',
  },
  oidcClientSecret: {
    env: 'THROUGHLINE_OIDC_CLIENT_SECRET',
    schema: z.string().min(1).optional(),
    about: 'The hub’s client secret at the outside provider.',
  },
  oidcName: {
    env: 'THROUGHLINE_OIDC_NAME',
    schema: z.string().min(1).max(40).default('your company’s sign-in'),
    about: 'How the sign-in page calls the outside provider.',
  },
  requireApprovals: {
    env: 'THROUGHLINE_REQUIRE_APPROVALS',
    schema: flag.default(true),
    about:
      'Whether a connection waits until an approver of each domain that it touches has signed it.',
  },
  logLevel: {
    env: 'THROUGHLINE_LOG_LEVEL',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    about: 'The least important line that is written.',
  },
  metricsToken: {
    env: 'THROUGHLINE_METRICS_TOKEN',
    schema: z.string().min(16).optional(),
    about: 'Bearer token that /metrics asks for. Unset: /metrics answers on loopback only.',
  },
  maxBodyBytes: {
    env: 'THROUGHLINE_MAX_BODY_BYTES',
    schema: z.coerce.number().int().min(1024).max(100_000_000).default(1_000_000),
    about: 'Largest body of a request, in bytes; batches may have five times as much.',
  },
  poolSize: {
    env: 'THROUGHLINE_POOL_SIZE',
    schema: z.coerce.number().int().min(4).max(200).default(16),
    about: 'Database connections of this process.',
  },
  writers: {
    env: 'THROUGHLINE_WRITERS',
    schema: z.coerce.number().int().min(1).max(16).default(2),
    about: 'Transactions at a time in which concurrent single writes of one kind are gathered.',
  },
  reportsKeptMs: {
    env: 'THROUGHLINE_REPORTS_KEPT_MS',
    schema: z.coerce.number().int().min(0).max(600_000).default(60_000),
    about:
      'For how long a performance report may be given again, in milliseconds; it says of which moment it is.',
  },
  egressAllow: {
    env: 'THROUGHLINE_EGRESS_ALLOW',
    schema: list.refine(
      (all) => all.every((one) => /^[^\s:/]+:\d{1,5}$/.test(one)),
      'is a list of host:port',
    ),
    about:
      'Inner addresses that webhooks, alerts, mail and traces may be sent to, as host:port with commas between; without TLS too. Others must be public and https.',
  },
  smtpUrl: {
    env: 'THROUGHLINE_SMTP_URL',
    schema: z
      .string()
      .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
      .optional(),
    about:
      'The mail server for alerts, with user and password in it. Unset: alerts are not told by e-mail.',
  },
  mailFrom: {
    env: 'THROUGHLINE_MAIL_FROM',
    schema: z
      .string()
      .regex(/^[^\r\n]{1,200}$/, 'is one line')
      .refine((text) => text.includes('@'), 'needs an address')
      .optional(),
    about: 'The sender of alerts, such as Throughline <alerts@example.com>.',
  },
  otlpEndpoint: {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: z.url().optional(),
    about:
      'A collector that takes OpenTelemetry traces over HTTP, such as http://127.0.0.1:4318. Unset: nothing is traced.',
  },
  threatIntervalMs: {
    env: 'THROUGHLINE_THREAT_INTERVAL_MS',
    schema: z.coerce.number().int().min(0).max(60_000).default(5000),
    about: 'How often this process looks for attacks in what it saw, in milliseconds. 0: never.',
  },
  runJobs: {
    env: 'THROUGHLINE_RUN_JOBS',
    schema: flag.default(true),
    about: 'Whether this process runs jobs, timers and the event relay.',
  },
} as const

export type Config = Readonly<{
  [K in keyof typeof settings]: z.output<(typeof settings)[K]['schema']>
}>

/** A setting that cannot be used; its message names the setting and what it takes. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

/**
 * Reads the environment once. `overrides` win over it; an empty variable counts as unset.
 * @throws ConfigError that names the first bad value.
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv = process.env,
  overrides: Partial<Config> = {},
): Config {
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const text = environment[setting.env]
    const result = setting.schema.safeParse(text === '' ? undefined : text)
    if (!result.success)
      throw new ConfigError(
        `${setting.env}=${'secret' in setting ? '…' : (text ?? '')}: ${result.error.issues[0]?.message ?? 'not valid'}. ${setting.about}`,
      )
    values[name] = result.data
  }
  return Object.freeze({ ...(values as Config), ...overrides })
}
