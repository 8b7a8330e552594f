import { formatExact, formatWhole } from '#console/format.ts'
import classes from './Amount.module.css'

/** Money with its currency code; in whole units the exact amount shows on hover. */
export function Amount({
  minor,
  currency,
  exact = false,
  none = '—',
}: {
  minor: number | null
  currency: string
  exact?: boolean
  none?: string
}) {
  if (minor === null) return <span>{none}</span>
  const full = formatExact(minor, currency)
  return (
    <span className={classes.amount} title={`${currency} ${full}`}>
      <span className={classes.currency}>{currency}</span>{' '}
      {exact ? full : formatWhole(minor, currency)}
    </span>
  )
}
