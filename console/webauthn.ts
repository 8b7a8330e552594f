import {
  startAuthentication,
  startRegistration,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser'
import { z } from 'zod'
import { act } from '#console/api.ts'

const Challenge = z.object({ challenge: z.string(), options: z.record(z.string(), z.unknown()) })

/** A passkey cannot belong to a bare address: on this machine the hub is also at `localhost`. */
export function passkeyHint(): string | null {
  const { hostname, port, protocol } = window.location
  return /^[\d.]+$|:/.test(hostname)
    ? `Passkeys need a name in the address: open ${protocol}//localhost:${port} for them.`
    : null
}

export async function signInByPasskey(): Promise<void> {
  const { challenge, options } = Challenge.parse(
    await act('POST', '/api/v1/session/passkey/options', {}),
  )
  const passkey = await startAuthentication({
    optionsJSON: options as unknown as PublicKeyCredentialRequestOptionsJSON,
  })
  await act('POST', '/api/v1/session/passkey', { challenge, passkey })
}

const StepUpNeeds = z.object({
  password: z.boolean(),
  code: z.boolean(),
  passkey: Challenge.nullable(),
})
export type StepUpNeeds = z.infer<typeof StepUpNeeds>

export async function readStepUpNeeds(): Promise<StepUpNeeds> {
  return StepUpNeeds.parse(await act('POST', '/api/v1/session/step-up/options', {}))
}

export async function stepUpByPasskey({
  challenge,
  options,
}: z.infer<typeof Challenge>): Promise<void> {
  const passkey = await startAuthentication({
    optionsJSON: options as unknown as PublicKeyCredentialRequestOptionsJSON,
  })
  await act('POST', '/api/v1/session/step-up', { challenge, passkey })
}

export async function addPasskey(name: string): Promise<void> {
  const { challenge, options } = Challenge.parse(
    await act('POST', '/api/v1/account/passkeys/options', {}),
  )
  const passkey = await startRegistration({
    optionsJSON: options as unknown as PublicKeyCredentialCreationOptionsJSON,
  })
  await act('POST', '/api/v1/account/passkeys', { name, challenge, passkey })
}
