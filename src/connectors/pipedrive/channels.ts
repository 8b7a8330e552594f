import type { Channel } from './answers.ts'

/** The address or phone that is marked as primary, else the first one that holds something. */
export function primaryOf(channels: readonly Channel[] | null | undefined): string | null {
  const filled = (channels ?? []).filter(({ value }) => value)
  return (filled.find(({ primary }) => primary === true) ?? filled[0])?.value ?? null
}

/**
 * The list with another primary entry. All others stay: the vendor replaces lists whole.
 * @param value  null takes the primary one away.
 */
export function withPrimary(
  channels: readonly Channel[] | null | undefined,
  value: string | null,
): { value: string; primary: boolean; label: string }[] {
  const primary = primaryOf(channels)
  const others = (channels ?? []).flatMap(({ value: held, label }) => {
    const isReplaced = sameText(held, primary) || sameText(held, value)
    return !held || isReplaced ? [] : [{ value: held, primary: false, label: label ?? 'work' }]
  })
  if (value === null) return others.map((one, i) => ({ ...one, primary: i === 0 }))
  const label = (channels ?? []).find((one) => sameText(one.value, primary))?.label ?? 'work'
  return [{ value, primary: true, label }, ...others]
}

export function sameText(a: unknown, b: unknown): boolean {
  return typeof a === 'string' && typeof b === 'string' && a.toLowerCase() === b.toLowerCase()
}
