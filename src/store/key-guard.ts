import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'

/** Seals the keys of the key file under a key that does not lie beside it: whoever has the file alone has nothing. */
export interface KeyGuard {
  /** What an entry begins with that it sealed. */
  readonly mark: string
  /** The entry for a key. @param name  authenticated with it, so that entries cannot be exchanged. */
  seal(name: string, key: Buffer): Promise<string>
  /** @throws Error without key material when the entry was changed, is another's, or the guard cannot be asked. */
  open(name: string, entry: string): Promise<Buffer>
}

/** Who seals entries of a mark, as settings name it. */
export const GUARD_SETTINGS: Readonly<Record<string, string>> = {
  'env:': 'THROUGHLINE_KEY_ENCRYPTION_KEY',
  'vault:': 'THROUGHLINE_TRANSIT_URL',
}

export interface GuardSettings {
  /** 32 bytes in Base64. */
  keyEncryptionKey?: string | undefined
  transitUrl?: string | undefined
  transitKey: string
  transitTokenFile?: string | undefined
}

/**
 * The guard that the settings name; null when they name none.
 * @throws Error when they name two, or a key service without a token.
 */
export function guardOf(settings: GuardSettings): KeyGuard | null {
  const { keyEncryptionKey, transitUrl: url, transitKey: key, transitTokenFile } = settings
  if (url === undefined)
    return keyEncryptionKey === undefined
      ? null
      : environmentGuard(Buffer.from(keyEncryptionKey, 'base64'))
  if (keyEncryptionKey !== undefined)
    throw new Error(
      'One of THROUGHLINE_KEY_ENCRYPTION_KEY and THROUGHLINE_TRANSIT_URL seals the key file: take the other one away.',
    )
  if (transitTokenFile === undefined)
    throw new Error('THROUGHLINE_TRANSIT_URL needs THROUGHLINE_TRANSIT_TOKEN_FILE beside it.')
  return transitGuard({ url, key, tokenFile: transitTokenFile })
}

const contextOf = (name: string) => Buffer.from(`throughline:key-file:${name}`)

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Under a key that the environment gives: AES-256-GCM, entries `env:` with nonce, tag and ciphertext in Base64.
 * @param key  32 bytes.
 */
export function environmentGuard(key: Buffer): KeyGuard {
  const mark = 'env:'
  return {
    mark,
    async seal(name, plain) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(contextOf(name))
      const body = Buffer.concat([cipher.update(plain), cipher.final()])
      return mark + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    async open(name, entry) {
      const sealed = Buffer.from(entry.slice(mark.length), 'base64')
      try {
        const nonce = sealed.subarray(0, NONCE_BYTES)
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(contextOf(name))
        decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
        const body = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES))
        return Buffer.concat([body, decipher.final()])
      } catch (cause) {
        throw new Error(
          `The key ${name} does not open with THROUGHLINE_KEY_ENCRYPTION_KEY: that is another one, or the key file was changed.`,
          { cause },
        )
      }
    },
  }
}

export interface TransitSettings {
  /** Of the secrets engine, such as `https://vault.example.com:8200/v1/transit`. */
  url: string
  /** The name of the key there. */
  key: string
  /** Holds the token; read for each call, so that an agent may renew it. */
  tokenFile: string
}

/** Pauses before the second try and those after it: a key service that restarts is back by then. */
const PAUSES_MS = [500, 2000, 4000]
const CALL_TIMEOUT_MS = 5000

/**
 * Under a key that never leaves a key service: the transit engine of OpenBao or HashiCorp Vault, entries `vault:` as it gives them.
 * The token needs `update` on `encrypt/KEY` and `decrypt/KEY`, nothing else. An entry that was opened is not asked for again.
 *
 * @see https://openbao.org/api-docs/secret/transit/
 */
export function transitGuard(
  { url, key, tokenFile }: TransitSettings,
  pausesMs: readonly number[] = PAUSES_MS,
): KeyGuard {
  const opened = new Map<string, Buffer>()
  const named = `${url}, key ${key}`

  async function once(act: 'encrypt' | 'decrypt', body: Record<string, string>): Promise<Response> {
    const token = (await readFile(tokenFile, 'utf8')).trim()
    return fetch(`${url}/${act}/${encodeURIComponent(key)}`, {
      method: 'POST',
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    })
  }

  async function ask(
    act: 'encrypt' | 'decrypt',
    body: Record<string, string>,
    field: 'ciphertext' | 'plaintext',
  ): Promise<string> {
    let last = 'It gave no answer.'
    for (const pauseMs of [0, ...pausesMs]) {
      if (pauseMs > 0) await wait(pauseMs)
      let answer: Response
      try {
        answer = await once(act, body)
      } catch (error) {
        last = error instanceof Error ? error.message : String(error)
        continue
      }
      if (answer.ok) {
        const parsed = z
          .object({ data: z.object({ [field]: z.string() }) })
          .safeParse(await answer.json().catch(() => null))
        const value = parsed.data?.data[field]
        if (value !== undefined) return value
        throw new Error(`The key service at ${named} gave an answer without ${field}.`)
      }
      last = `It answered ${answer.status}.`
      await answer.body?.cancel()
      if (answer.status < 500 && answer.status !== 429) break
    }
    throw new Error(
      `The key service at ${named} does not ${act}: ${last} See that it is up and unsealed, and that the token in ${tokenFile} may update ${act}/${key}.`,
    )
  }

  return {
    mark: 'vault:',
    async seal(name, plain) {
      const entry = await ask(
        'encrypt',
        {
          plaintext: plain.toString('base64'),
          associated_data: contextOf(name).toString('base64'),
        },
        'ciphertext',
      )
      opened.set(`${name} ${entry}`, plain)
      return entry
    },
    async open(name, entry) {
      const held = opened.get(`${name} ${entry}`)
      if (held) return held
      const body = { ciphertext: entry, associated_data: contextOf(name).toString('base64') }
      const plain = Buffer.from(await ask('decrypt', body, 'plaintext'), 'base64')
      opened.set(`${name} ${entry}`, plain)
      return plain
    },
  }
}
