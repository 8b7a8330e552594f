import { Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDate } from '#console/format.ts'
import {
  quotasQuery,
  usageQuery,
  type QuotaRow,
  type Usage,
} from '#console/pages/operations/operations.queries.ts'
import type { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { QuotaActions, QuotaButton } from '#console/pages/operations/QuotaActions.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** A quota warns from here on; the mark stands on each bar. */
const WARNING = 0.8

/** Who may make how many requests, how far that is used up, and what was asked day by day. */
export function QuotasView({
  search: { subject },
  onChange,
}: {
  search: OperationsSearch
  onChange: (fields: Partial<OperationsSearch>) => void
}) {
  const { can } = useSession()
  const quotas = useInfiniteQuery(quotasQuery())
  const usage = useInfiniteQuery(usageQuery(subject))
  return (
    <>
      <Panel
        title="Quotas"
        hint="Days and months are UTC. From 80 %, the mark on the bar, there is a warning; a used-up quota refuses until it begins anew."
        flush
        actions={can('quotas:write') && <QuotaButton />}
      >
        <PagedTable<QuotaRow>
          query={quotas}
          caption="Quotas and how far they are used up"
          what="quotas"
          columns={quotaColumns}
          rowKey={(quota) => quota.subject}
          empty={
            <EmptyState title="No quota is set">
              Requests are limited by the rate of each key alone.
            </EmptyState>
          }
        />
      </Panel>
      <Panel
        title="Usage by day"
        hint="Requests of each key, client and person, and of the workspace."
        flush
        actions={
          subject !== undefined && (
            <Button
              size="xs"
              h={30}
              variant="default"
              rightSection={<IconX size={13} aria-hidden />}
              aria-label={`Remove the filter for ${subject}`}
              onClick={() => onChange({ subject: undefined })}
            >
              {subject}
            </Button>
          )
        }
      >
        <PagedTable<Usage>
          query={usage}
          caption="Requests by day and subject"
          what="rows"
          columns={usageColumns}
          rowKey={(row) => `${row.day} ${row.subject}`}
          empty={<EmptyState title="No request was counted yet" />}
        />
      </Panel>
    </>
  )
}

const quotaColumns: Column<QuotaRow>[] = [
  {
    title: 'Of',
    isHeader: true,
    cell: ({ subject }) => <Subject subject={subject} />,
  },
  { title: 'Today', cell: ({ day, perDay }) => <Used period={day} limit={perDay} /> },
  { title: 'This month', cell: ({ month, perMonth }) => <Used period={month} limit={perMonth} /> },
  { title: 'Changed', cell: ({ updatedAt }) => <Moment at={updatedAt} /> },
  { title: 'Change', align: 'end', cell: (quota) => <QuotaActions quota={quota} /> },
]

/** Usage of whom; of a role each person has the quota for themselves, so that there is none to show. */
function Subject({ subject }: { subject: string }) {
  if (subject.startsWith('role.')) return `Each person of the role ${subject.slice('role.'.length)}`
  return (
    <Link
      from="/operations"
      to="/operations"
      search={(search) => ({ ...search, subject })}
      resetScroll={false}
      className={text.id}
      data-row-link
    >
      {subject === 'workspace' ? 'The workspace' : subject}
    </Link>
  )
}

function Used({ period, limit }: { period: QuotaRow['day']; limit: number | null }) {
  if (limit === null) return <span className={text.soft}>any number</span>
  if (period === null) return <span>{formatCount(limit)} each</span>
  const { used, state, resetsAt } = period
  const share = used / limit
  return (
    <>
      <Meter
        share={share}
        mark={WARNING}
        tone={state === 'exceeded' ? 'bad' : state === 'warning' ? 'warn' : undefined}
      >
        {formatCount(used)} of {formatCount(limit)}
      </Meter>{' '}
      {state !== 'open' && (
        <Badge tone={state === 'exceeded' ? 'bad' : 'warn'}>
          {state === 'exceeded' ? 'Used up' : 'Above 80 %'}, anew <Moment at={resetsAt} />
        </Badge>
      )}
    </>
  )
}

const usageColumns: Column<Usage>[] = [
  { title: 'Day', isHeader: true, cell: ({ day }) => formatDate(day) },
  { title: 'Of', cell: ({ subject }) => <span className={text.id}>{subject}</span> },
  { title: 'Requests', align: 'end', cell: ({ requests }) => formatCount(requests) },
  {
    title: 'Refused',
    align: 'end',
    hint: 'Because a quota was used up',
    cell: ({ refused }) => formatCount(refused),
  },
]
