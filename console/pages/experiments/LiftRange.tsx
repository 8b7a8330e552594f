import classes from './Experiments.module.css'

/** An interval between −100 % and 100 %, with the line of no effect; the figures beside it say the same. */
export function LiftRange({ low, high, lift }: { low: number; high: number; lift: number }) {
  const at = (value: number) => 50 + 50 * Math.min(1, Math.max(-1, value))
  return (
    <span className={classes.range} aria-hidden>
      <span className={classes.zero} />
      <span
        className={classes.span}
        style={{ left: `${at(low)}%`, width: `${at(high) - at(low)}%` }}
      />
      <span className={classes.dot} style={{ left: `${at(lift)}%` }} />
    </span>
  )
}
