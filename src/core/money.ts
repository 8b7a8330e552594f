import { z } from 'zod'

/** ISO 4217 alphabetic code, upper case. */
export const CurrencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'A currency is three upper-case letters, such as EUR.')
  .meta({ example: 'EUR' })

/** An amount in minor units (cents) of its currency; never a float. */
export const Money = z.object({ amountMinor: z.int(), currency: CurrencyCode })
export type Money = z.infer<typeof Money>

const digitsByCurrency = new Map<string, number>()

/** How many decimal digits the currency's minor unit has (ISO 4217): 2 for EUR, 0 for JPY, 3 for BHD. */
export function minorDigits(currency: string): number {
  let digits = digitsByCurrency.get(currency)
  if (digits === undefined) {
    digits =
      new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
        .maximumFractionDigits ?? 2
    digitsByCurrency.set(currency, digits)
  }
  return digits
}

/**
 * Reads a decimal string such as `1234.5` or `-0.10` into minor units, exactly.
 *
 * Digits beyond the minor unit are rounded half away from zero, as invoices do.
 * @returns null when the text is no plain decimal number or does not fit a safe integer.
 */
export function parseMinor(text: string, currency: string): number | null {
  const match = /^([+-]?)(\d{1,16})(?:\.(\d{0,12}))?(?:[eE]\+?0+)?$/.exec(text.trim())
  if (!match) return null
  const digits = minorDigits(currency)
  const fraction = (match[3] ?? '').padEnd(digits + 1, '0')
  let minor = BigInt((match[2] ?? '0') + fraction.slice(0, digits))
  if (fraction.charCodeAt(digits) >= 53) minor += 1n
  const value = Number(match[1] === '-' ? -minor : minor)
  return Number.isSafeInteger(value) ? (value === 0 ? 0 : value) : null
}

/** The amount as a decimal string with the currency's digits: `formatMinor(1050, 'EUR')` is `10.50`. */
export function formatMinor(amountMinor: number, currency: string): string {
  const digits = minorDigits(currency)
  const text = Math.abs(amountMinor)
    .toString()
    .padStart(digits + 1, '0')
  const sign = amountMinor < 0 ? '-' : ''
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/**
 * Splits an amount by shares so that the parts sum to it exactly (largest remainder, ties to the earlier part).
 *
 * Shares are rounded doubles, so remainders that tie on paper differ in their last bits: they are
 * compared on a grid of 2^-48 of the amount, above that rounding and below anything a share means.
 *
 * @param amountMinor  whole, a safe integer.
 * @param shares  n weights, not negative; they need not sum to 1. All zero: nothing is allotted and every part is 0.
 * @returns n integers of the amount's sign whose sum is `amountMinor` (or 0 when no share is positive).
 * O(n log n).
 */
export function allotMinor(amountMinor: number, shares: ArrayLike<number>): number[] {
  let total = 0
  for (let i = 0; i < shares.length; i++) total += shares[i]!
  const parts = Array.from<number>({ length: shares.length }).fill(0)
  if (total <= 0 || amountMinor === 0) return parts
  const size = Math.abs(amountMinor)
  const sign = Math.sign(amountMinor)
  const grid = Math.min(0.25, 2 ** (Math.ceil(Math.log2(size)) - 48))
  const rests: { i: number; rest: number }[] = []
  let left = size
  for (let i = 0; i < parts.length; i++) {
    if (shares[i]! <= 0) continue
    const exact = Math.round((size * (shares[i]! / total)) / grid) * grid
    const part = Math.floor(exact)
    rests.push({ i, rest: exact - part })
    if (part > 0) parts[i] = part * sign
    left -= part
  }
  // Beyond some 2^47 the rounding of the products reaches whole units, so `left` can be any small number.
  const step = Math.sign(left)
  rests.sort((a, b) => step * (b.rest - a.rest || a.i - b.i))
  for (let k = 0; left !== 0; k++) {
    const { i } = rests[k % rests.length]!
    if (step < 0 && parts[i] === 0) continue
    parts[i]! += step * sign
    left -= step
  }
  return parts
}
