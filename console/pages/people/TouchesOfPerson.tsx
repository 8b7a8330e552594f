import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatInstant, formatWord } from '#console/format.ts'
import { campaignNamesQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { touchesQuery, type Touch } from '#console/pages/people/people.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Touches of a person, the newest first, with the campaign and the page of each. */
export function TouchesOfPerson({ personId }: { personId: string }) {
  const { can, timeZone } = useSession()
  const touches = useInfiniteQuery(touchesQuery(personId))
  const names = useQuery({
    ...campaignNamesQuery,
    enabled: can('attribution:read') && can('campaigns:read'),
    retry: false,
  })
  const nameOf = (id: string) =>
    names.data?.find(({ campaignId }) => campaignId === id)?.name ?? shortId(id)
  return (
    <>
      <NotRead what="Names of campaigns" error={names.error} />
      <PagedTable<Touch>
        query={touches}
        caption="Touches of the person"
        what="touches"
        columns={columnsOf(nameOf, timeZone)}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No touch yet">
            Touches come from your site, product and imports: <code>POST /api/v1/touchpoints</code>.
          </EmptyState>
        }
      />
    </>
  )
}

function columnsOf(nameOf: (id: string) => string, timeZone: string): Column<Touch>[] {
  return [
    { title: 'Touch', isHeader: true, cell: ({ kind }) => formatWord(kind) },
    { title: 'Channel', cell: ({ channel }) => formatWord(channel) },
    {
      title: 'Campaign',
      cell: ({ campaignId }) =>
        campaignId === null ? (
          <span className={text.soft}>None</span>
        ) : (
          <Link to="/campaigns/$campaignId" params={{ campaignId }} className="tl-link">
            {nameOf(campaignId)}
          </Link>
        ),
    },
    { title: 'Page', cell: ({ detail }) => <PageOf detail={detail} /> },
    { title: 'Told by', cell: ({ source }) => source },
    {
      title: 'When',
      align: 'end',
      cell: ({ occurredAt }) => (
        <span title={formatInstant(occurredAt, timeZone)}>
          <Moment at={occurredAt} />
        </span>
      ),
    },
  ]
}

function PageOf({ detail }: { detail: Touch['detail'] }) {
  const url = detail?.['url']
  return typeof url === 'string' ? (
    <span className={text.wrapped}>
      <FieldValue value={url} />
    </span>
  ) : (
    <span className={text.soft}>Not known</span>
  )
}
