import { formatCount } from '#console/format.ts'
import { countOutcomes, outcomes } from '#console/pages/sync/sync-words.ts'
import type { Run } from '#console/pages/sync/sync.queries.ts'
import classes from './Sync.module.css'

/** How many records came to which outcome, in words; those that want attention first and marked. */
export function OutcomeCounts({ counts }: { counts: Run['counts'] }) {
  const sums = [...countOutcomes(counts)]
  if (sums.length === 0) return <span className={classes.soft}>None</span>
  return (
    <span className={classes.counts}>
      {sums.map(([kind, sum]) => (
        <span key={kind} data-tone={outcomes[kind].tone}>
          {formatCount(sum)} {outcomes[kind].label.toLowerCase()}
        </span>
      ))}
    </span>
  )
}
