import type { z } from 'zod'
import type { Freshness } from '#reports/lens.schema.ts'
import { formatCount } from '#console/format.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Moment } from '#console/ui/Moment.tsx'

/** How old the figures are, and whether changes wait that are not in them; while they are read again it says so. */
export function FreshnessBadge({
  freshness,
  isFetching,
}: {
  freshness: z.output<typeof Freshness>
  isFetching: boolean
}) {
  const { computedAt, dirtyDeals, isStale } = freshness
  if (isFetching) return <Badge tone="busy">Refreshing…</Badge>
  if (computedAt === null) {
    return (
      <Badge
        tone="warn"
        title="The ledger is computed within minutes after the first deals arrive."
      >
        Not computed yet
      </Badge>
    )
  }
  const waiting =
    dirtyDeals === 0
      ? 'Every change is in these figures.'
      : `Changes of ${formatCount(dirtyDeals)} deals are not in these figures yet.`
  return (
    <Badge tone={isStale ? 'warn' : 'good'} title={waiting}>
      {isStale ? 'Stale: computed ' : 'Computed '}
      <Moment at={computedAt} />
      {dirtyDeals > 0 && `, ${formatCount(dirtyDeals)} deals waiting`}
    </Badge>
  )
}
