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
 * @param shares  n weights, not negative; they need not sum to 1. All zero: nothing is allotted and every part is 0.
 * @returns n integers of the amount's sign whose sum is `amountMinor` (or 0 when no share is positive).
 * O(n log n).
 */
export function allotMinor(amountMinor: number, shares: ArrayLike<number>): number[] {
  const total = Array.from(shares).reduce((sum, share) => sum + share, 0)
  if (total <= 0) return Array.from(shares, () => 0)
  const size = Math.abs(amountMinor)
  const exact = Array.from(shares, (share) => (size * share) / total)
  const parts = exact.map(Math.floor)
  let left = size - parts.reduce((sum, part) => sum + part, 0)
  const order = exact
    .map((value, i) => ({ i, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i)
  for (const { i } of order) {
    if (left <= 0) break
    parts[i]! += 1
    left -= 1
  }
  return amountMinor < 0 ? parts.map((part) => (part === 0 ? 0 : -part)) : parts
}
