import type { ModelReport } from '#console/pages/scores/scores.queries.ts'
import classes from './Scores.module.css'

const SIDE = 220
const LEAST = 3
const MOST = 11

/** Dots of predicted against observed, as large as their bin; the table beside it has every figure. */
export function CalibrationChart({ bins }: { bins: ModelReport['backTest']['calibration'] }) {
  const filled = bins.filter(({ rows }) => rows > 0)
  const most = Math.max(1, ...filled.map(({ rows }) => rows))
  const at = (share: number) => share * SIDE
  return (
    <figure className={classes.figure} aria-hidden>
      <svg viewBox={`-46 -10 ${SIDE + 58} ${SIDE + 42}`} className={classes.chart}>
        <rect x={0} y={0} width={SIDE} height={SIDE} className={classes.ground} />
        <line x1={0} y1={SIDE} x2={SIDE} y2={0} className={classes.ideal} />
        {filled.map(({ predicted, positives, rows }) => (
          <circle
            key={predicted}
            cx={at(predicted)}
            cy={SIDE - at(positives / rows)}
            r={LEAST + (MOST - LEAST) * Math.sqrt(rows / most)}
            className={classes.dot}
          />
        ))}
        <text x={0} y={SIDE + 16} className={classes.label}>
          0 %
        </text>
        <text x={SIDE} y={SIDE + 16} textAnchor="end" className={classes.label}>
          predicted 100 %
        </text>
        <text x={-6} y={SIDE} textAnchor="end" className={classes.label}>
          0 %
        </text>
        <text x={-6} y={8} textAnchor="end" className={classes.label}>
          100 %
        </text>
      </svg>
    </figure>
  )
}
