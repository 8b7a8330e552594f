import { Link } from '@tanstack/react-router'
import { addDays } from '#core/calendar.ts'
import type { CreditFilter } from '#console/pages/campaigns/campaign.queries.ts'
import { useSession } from '#console/session.ts'

/** From the receipt of a figure to the records that made it; none for sums over many rows. */
export function FigureLineageLink({ filter }: { filter: CreditFilter }) {
  const { can } = useSession()
  const { campaignId, channel, bucket, week, model, window, currency } = filter
  const isRow = (campaignId === undefined) !== (channel === undefined)
  if (!isRow || bucket === 'baseline' || !can('lineage:read')) return null
  const from = latest(filter.from, week ?? null)
  const to = earliest(filter.to, week === undefined ? null : addDays(week, 6))
  return (
    <Link
      to="/lineage"
      search={{
        campaignId,
        channel,
        model,
        window,
        currency,
        from: from ?? undefined,
        to: to ?? undefined,
      }}
      className="tl-link"
    >
      Where it came from
    </Link>
  )
}

function latest(a: string | null, b: string | null): string | null {
  return a === null || (b !== null && b > a) ? b : a
}

function earliest(a: string | null, b: string | null): string | null {
  return a === null || (b !== null && b < a) ? b : a
}
