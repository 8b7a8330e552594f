import { z } from 'zod'
import { ApiKey } from '#access/api-key.schema.ts'
import { Id } from '#core/id.ts'
import { Instant } from '#core/time.ts'

export const Passkey = z.object({
  id: Id('psk'),
  name: z.string().min(1).max(100),
  createdAt: Instant,
  lastUsedAt: Instant.nullable(),
})

export const OwnDevice = z.object({
  id: Id('dev'),
  isThis: z.boolean(),
  name: z.string().meta({ description: 'Its browser and system', example: 'Firefox on Windows' }),
  standing: z.enum(['new', 'known', 'confirmed']).meta({
    description: 'Known a week after the first sign-in there; confirmed by a second factor there',
  }),
  firstSeenAt: Instant,
  lastSeenAt: Instant,
  confirmedAt: Instant.nullable(),
  confirmedBy: z.array(z.string()).nullable().meta({ description: 'The methods of that proof' }),
})

export const OwnSession = z.object({
  id: Id('ses'),
  deviceId: Id('dev').nullable().meta({ description: 'Null for a client that keeps no device' }),
  isThis: z.boolean(),
  methods: z.array(z.string()),
  address: z.string().nullable().meta({ personal: 'contact' }),
  browser: z.string().nullable(),
  createdAt: Instant,
  lastSeenAt: Instant,
  expiresAt: Instant,
})

/** How the person signs in; no secret is in it. */
export const AccountSecurity = z.object({
  name: z.string().meta({ personal: 'name' }),
  email: z.string().nullable().meta({ personal: 'contact' }),
  hasPassword: z.boolean(),
  hasTotp: z.boolean(),
  recoveryCodesLeft: z.int(),
  passkeys: z.array(Passkey),
  sessions: z.array(OwnSession),
  devices: z.array(OwnDevice).meta({ description: 'The last seen first; at most 100' }),
  keys: z.array(ApiKey).meta({ description: 'One’s own API keys, newest first; at most 100' }),
})
export type AccountSecurity = z.infer<typeof AccountSecurity>

export const NewPassword = z.object({ password: z.string().max(1000) })

/** What the authenticator app needs; shown this once. */
export const TotpSetUp = z.object({ secret: z.string(), uri: z.string() })
export const TotpConfirmation = z.object({ code: z.string().max(20) })
export const RecoveryCodes = z.object({
  codes: z.array(z.string()).meta({ description: 'Each signs in once. Shown this once.' }),
})

export const PasskeyEnrolmentOptions = z.object({
  challenge: z.string(),
  options: z.record(z.string(), z.unknown()),
})
export const NewPasskey = z.object({
  name: Passkey.shape.name,
  challenge: z.string().max(2000),
  passkey: z.record(z.string(), z.unknown()).meta({
    description:
      'What navigator.credentials.create answered, as JSON (WebAuthn RegistrationResponseJSON)',
  }),
})
export const PasskeyRef = z.object({ passkeyId: Id('psk') })
export const SessionRef = z.object({ sessionId: Id('ses') })
export const DeviceRef = z.object({ deviceId: Id('dev') })
export const Done = z.object({ done: z.literal(true) })
