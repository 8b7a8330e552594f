import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { z } from 'zod'
import { lockPasskey, touchPasskey, type PasskeyRow } from '#access/sign-in/user.store.ts'
import type { SystemTransaction } from '#store/store.ts'

/** The site that a passkey belongs to. */
export interface Site {
  rpId: string
  origin: string
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * The one site whose passkeys count: our public address. A passkey cannot belong to a bare address (WebAuthn §5.1.2), so on a
 * loopback address it is `localhost`, which browsers take for the same machine.
 */
export function siteOf(publicUrl: string): Site {
  const own = new URL(publicUrl)
  if (!LOOPBACK.has(own.hostname)) return { rpId: own.hostname, origin: own.origin }
  const port = own.port === '' ? '' : `:${own.port}`
  return { rpId: 'localhost', origin: `${own.protocol}//localhost${port}` }
}

/** Loaded at the first use: it takes a third of a second, which no start should wait for. */
const library = () => import('@simplewebauthn/server')

const credential = z.looseObject({
  id: z.string().max(1400),
  rawId: z.string().max(1400),
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).nullish(),
})

/** A browser's answer to a request to prove a passkey; the library checks what is in it. */
export const PasskeyProof = credential.extend({
  response: z.looseObject({
    clientDataJSON: z.string().max(4000),
    authenticatorData: z.string().max(4000),
    signature: z.string().max(4000),
  }),
})

export const PasskeyEnrolment = credential.extend({
  response: z.looseObject({
    clientDataJSON: z.string().max(4000),
    attestationObject: z.string().max(20_000),
    transports: z.array(z.string().max(30)).max(10).optional(),
  }),
})

export async function proofOptions(site: Site) {
  const { generateAuthenticationOptions } = await library()
  return generateAuthenticationOptions({ rpID: site.rpId, userVerification: 'required' })
}

export async function enrolmentOptions(
  site: Site,
  user: { id: string; name: string; label: string },
  known: readonly PasskeyRow[],
) {
  const { generateRegistrationOptions } = await library()
  return generateRegistrationOptions({
    rpName: 'Throughline',
    rpID: site.rpId,
    userID: new TextEncoder().encode(user.id),
    userName: user.label,
    userDisplayName: user.name,
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: known.map(({ credentialId, transports }) => ({
      id: credentialId,
      transports: transports as AuthenticatorTransport[],
    })),
  })
}

/** What a browser registered, verified; null when it does not stand. */
export async function verifyEnrolment(
  sent: z.infer<typeof PasskeyEnrolment>,
  challenge: string,
  site: Site,
): Promise<{
  credentialId: string
  publicKey: Buffer
  counter: number
  transports: string[]
} | null> {
  const { verifyRegistrationResponse } = await library()
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: sent as unknown as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
    })
    if (!verified || !registrationInfo) return null
    const { id, publicKey, counter } = registrationInfo.credential
    const transports = sent.response.transports ?? []
    return { credentialId: id, publicKey: Buffer.from(publicKey), counter, transports }
  } catch {
    // The library throws for whatever does not fit; to the caller all of it is one refusal.
    return null
  }
}

/** Verifies a proof and moves the counter on. @returns the passkey that was proved, or null */
export async function provePasskey(
  tx: SystemTransaction,
  sent: z.infer<typeof PasskeyProof>,
  challenge: string,
  site: Site,
  now: Date,
): Promise<PasskeyRow | null> {
  const { verifyAuthenticationResponse } = await library()
  const row = await lockPasskey(tx, sent.id)
  if (!row) return null
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: sent as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
      credential: {
        id: row.credentialId,
        publicKey: new Uint8Array(row.publicKey),
        counter: row.counter,
      },
    })
    if (!verified) return null
    await touchPasskey(tx, row.id, authenticationInfo.newCounter, now)
    return row
  } catch {
    // As above: a proof that does not stand is a refusal, whatever is wrong with it.
    return null
  }
}
