export const MIN_ALONE = 15
export const MIN_WITH_SECOND_FACTOR = 8
export const MAX_LENGTH = 256

/** A password's length in code points, as NIST counts it. */
export const lengthOf = (text: string): number => Array.from(text.normalize('NFKC')).length

/**
 * Why a new password cannot be used, or null (NIST SP 800-63B-4 §3.1.1): its length in characters, the block-list, and words
 * of its own context. No rules of composition, and nothing is cut off.
 *
 * @param common  the block-list, in lower case.
 * @param context  words an attacker would try first: the product, the workspace, the person's name and address.
 */
export function passwordFault(
  password: string,
  hasSecondFactor: boolean,
  common: ReadonlySet<string>,
  context: readonly string[],
): string | null {
  const normal = password.normalize('NFKC')
  const length = lengthOf(normal)
  const least = hasSecondFactor ? MIN_WITH_SECOND_FACTOR : MIN_ALONE
  if (length < least)
    return hasSecondFactor
      ? `Use at least ${MIN_WITH_SECOND_FACTOR} characters.`
      : `Use at least ${MIN_ALONE} characters, or set up a second factor first and use at least ${MIN_WITH_SECOND_FACTOR}.`
  if (length > MAX_LENGTH) return `Use at most ${MAX_LENGTH} characters.`
  const lower = normal.toLowerCase()
  if (isCommon(lower, common)) return 'This is one of the commonest passwords: choose another.'
  if (isRepetition(lower)) return 'This repeats one piece over and over: choose another.'
  const left = context
    .flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter((word) => word.length >= 4)
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, word) => text.replaceAll(word, ''), lower)
  if (lengthOf(left) < least / 2)
    return 'This is made of names that belong here (the product, the workspace, you): choose another.'
  return null
}

/** "password2026!" is "password" to whoever guesses: up to six figures and signs at the end do not count. */
function isCommon(text: string, common: ReadonlySet<string>): boolean {
  for (let end = text.length; end >= text.length - 6; end -= 1) {
    if (common.has(text.slice(0, end))) return true
    if (!/[\d\W_]/.test(text.charAt(end - 1))) return false
  }
  return false
}

/** Whether the text is one piece of at most a quarter of its length, repeated. */
function isRepetition(text: string): boolean {
  for (let size = 1; size <= text.length / 4; size += 1) {
    const piece = text.slice(0, size)
    if (piece.repeat(Math.ceil(text.length / size)).slice(0, text.length) === text) return true
  }
  return false
}
