import classes from './Experiments.module.css'

/** From −50 % to 100 %: a channel that takes away more than half of what comes is drawn at the edge. */
const [LEAST, MOST] = [-0.5, 1]

/** The interval of a lift with the line of no effect; the figures beside it say the same. */
export function LiftRange({ low, high, lift }: { low: number; high: number; lift: number }) {
  const at = (value: number) =>
    (100 * (Math.min(MOST, Math.max(LEAST, value)) - LEAST)) / (MOST - LEAST)
  return (
    <span className={classes.range} aria-hidden>
      <span className={classes.zero} style={{ left: `${at(0)}%` }} />
      <span
        className={classes.span}
        style={{ left: `${at(low)}%`, width: `${at(high) - at(low)}%` }}
      />
      <span className={classes.dot} style={{ left: `${at(lift)}%` }} />
    </span>
  )
}
