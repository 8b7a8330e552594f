import { formatExact } from '#console/format.ts'
import classes from './Campaigns.module.css'

/** How far the five models disagree on one campaign: a line from the least to the most, a dot at the chosen one. */
export function ModelRange({
  values,
  chosen,
  most,
  currency,
}: {
  values: readonly number[]
  chosen: number
  most: number
  currency: string
}) {
  const least = Math.min(...values)
  const top = Math.max(...values)
  const at = (minor: number) => `${(100 * minor) / most}%`
  const words = `${currency} ${formatExact(least, currency)} to ${formatExact(top, currency)}`
  return (
    <span className={classes.range} title={words}>
      <span className="tl-hidden">{words}</span>
      <span
        className={classes.rangeLine}
        style={{ left: at(least), width: at(top - least) }}
        aria-hidden
      />
      <span className={classes.rangeDot} style={{ left: at(chosen) }} aria-hidden />
    </span>
  )
}
