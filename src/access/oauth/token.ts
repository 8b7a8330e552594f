import { decodeJwt, jwtVerify } from 'jose'
import { SIGNING_ALGORITHM, type SigningKeys } from '#access/oauth/signing-keys.ts'

export const ACCESS_TOKEN_S = 600
const SKEW_S = 10

export interface AccessToken {
  jti: string
  clientId: string
  /** The person it speaks for; null when the client speaks for itself. */
  userId: string | null
  grantId: string | null
  scopes: string[]
  issuedAt: Date
  expiresAt: Date
}

/** The API that access tokens are for (`aud`); a token for anything else is refused. */
export const audienceOf = (publicUrl: string): string => `${publicUrl}/api`

/** Whether a bearer token has the form of a JWT: three base64url parts. Keys never have. */
export const isJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)

/**
 * Verifies an access token (RFC 9068, RFC 8725): our algorithm and no other, `typ` at+jwt, our issuer and audience, its time,
 * a key that is looked up by `kid` in our own set; keys, URLs and extensions that the token brings are not looked at.
 * @returns null for a token that does not stand, for whatever reason.
 */
export async function verifyAccessToken(
  token: string,
  keys: SigningKeys,
  publicUrl: string,
  now: Date,
): Promise<AccessToken | null> {
  try {
    const { payload } = await jwtVerify(
      token,
      async (header) => {
        const key = header.kid === undefined ? null : await keys.find(header.kid)
        if (!key) throw new Error('no such key')
        return key
      },
      {
        algorithms: [SIGNING_ALGORITHM],
        typ: 'at+jwt',
        issuer: publicUrl,
        audience: audienceOf(publicUrl),
        clockTolerance: SKEW_S,
        currentDate: now,
        requiredClaims: ['iss', 'aud', 'exp', 'iat', 'sub', 'client_id', 'jti'],
      },
    )
    const clientId = String(payload['client_id'])
    return {
      jti: payload.jti!,
      clientId,
      userId: payload.sub === clientId ? null : payload.sub!,
      grantId: typeof payload['gid'] === 'string' ? payload['gid'] : null,
      scopes: typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [],
      issuedAt: new Date(payload.iat! * 1000),
      expiresAt: new Date(payload.exp! * 1000),
    }
  } catch {
    // A token is judged whole: why it does not stand is nobody's business but its maker's.
    return null
  }
}

/** Whether a token says of itself that its time is over. Nothing is trusted to it but that it wants nothing any more. */
export function isOver(token: string, now: Date): boolean {
  try {
    const { exp } = decodeJwt(token)
    return typeof exp === 'number' && exp * 1000 <= now.getTime()
  } catch {
    return false
  }
}

/** The scopes of a client as the library holds them, in the field that we added. */
export function scopesOfClient(client: object): string[] {
  const scopes = (client as Record<string, unknown>)['granted_scopes']
  return typeof scopes === 'string' && scopes !== '' ? scopes.split(' ') : []
}
