/** Seals personal values of one workspace. Implemented in this file by the envelope below. */
export interface Sealer {
  /**
   * Encrypts a JSON value: AES-256-GCM, a fresh 96-bit nonce, key id in the header.
   * @param context  what the value is and whose, such as `people.personal:per_…`; it is authenticated, so that a
   *   ciphertext moved to another row or column does not open.
   */
  seal(value: unknown, context: string): Buffer
  /** Decrypts. @throws Error (without data in its message) when the bytes were changed or moved. */
  open<T>(sealed: Buffer, context: string): T
  /**
   * Blind index for equality look-ups: HMAC-SHA256 under the workspace's index key, 32 bytes.
   * @param kind  separates the domains, such as `email`; callers normalise the value first.
   */
  index(kind: string, value: string): Buffer
}
