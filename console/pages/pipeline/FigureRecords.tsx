import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDay } from '#console/format.ts'
import { dealColumn } from '#console/pages/pipeline/deal-column.tsx'
import {
  improvementDealsExport,
  improvementDealsQuery,
  improvementLeadsExport,
  improvementLeadsQuery,
  type ImprovementDeal,
  type ImprovementLead,
  type Spans,
} from '#console/pages/pipeline/pipeline.queries.ts'
import type { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Of = NonNullable<PipelineSearch['of']>
type Span = NonNullable<PipelineSearch['span']>

const titles: Record<Of, string> = {
  quality: 'Leads counted as qualified or not',
  acceptance: 'Leads that sales decided on',
  cycle: 'Deals won, the longest first',
}

/** The leads or deals that one figure of the comparison counts. */
export function FigureRecords({ of, span, spans }: { of: Of; span: Span; spans: Spans }) {
  const outcome = of === 'acceptance' ? ('decided' as const) : undefined
  const leads = { ...spans, span, outcome }
  return (
    <Panel
      title={titles[of]}
      hint={span === 'baseline' ? 'Of the earlier quarter.' : 'Of the quarter itself.'}
      flush
      actions={
        <ExportMenu
          {...(of === 'cycle'
            ? improvementDealsExport({ ...spans, span })
            : improvementLeadsExport(leads))}
        />
      }
    >
      {of === 'cycle' ? <Deals span={span} spans={spans} /> : <Leads of={of} leads={leads} />}
    </Panel>
  )
}

function Leads({ of, leads }: { of: Of; leads: Parameters<typeof improvementLeadsQuery>[0] }) {
  const { timeZone } = useSession()
  const query = useInfiniteQuery(improvementLeadsQuery(leads))
  return (
    <PagedTable<ImprovementLead>
      query={query}
      caption="Leads of the figure"
      what="leads"
      columns={leadColumns(of, timeZone)}
      rowKey={({ leadId }) => leadId}
      empty={
        <EmptyState title="No lead is counted">
          Leads younger than 30 days are left out, as they may still qualify.
        </EmptyState>
      }
    />
  )
}

function leadColumns(of: Of, timeZone: string): Column<ImprovementLead>[] {
  return [
    {
      title: 'Lead',
      isHeader: true,
      cell: ({ leadId }) => (
        <Link to="/leads/$leadId" params={{ leadId }} className={text.id} data-row-link>
          {shortId(leadId)}
        </Link>
      ),
    },
    { title: 'Captured', align: 'end', cell: ({ capturedAt }) => formatDay(capturedAt, timeZone) },
    {
      title: 'Qualified',
      align: 'end',
      cell: ({ qualifiedAt }) => (qualifiedAt === null ? '–' : formatDay(qualifiedAt, timeZone)),
    },
    {
      title: 'Counts as',
      cell: ({ isQualified, isAccepted }) =>
        (of === 'quality' ? isQualified : isAccepted) ? (
          <Badge tone="good">{of === 'quality' ? 'Qualified' : 'Taken'}</Badge>
        ) : (
          <Badge tone="plain">{of === 'quality' ? 'Not qualified' : 'Refused'}</Badge>
        ),
    },
  ]
}

function Deals({ span, spans }: { span: Span; spans: Spans }) {
  const { timeZone } = useSession()
  const query = useInfiniteQuery(improvementDealsQuery({ ...spans, span }))
  return (
    <PagedTable<ImprovementDeal>
      query={query}
      caption="Deals of the figure"
      what="deals"
      columns={dealColumns(timeZone)}
      rowKey={({ opportunityId }) => opportunityId}
      empty={<EmptyState title="No deal was won in this quarter" />}
    />
  )
}

function dealColumns(timeZone: string): Column<ImprovementDeal>[] {
  return [
    dealColumn,
    { title: 'Opened', align: 'end', cell: ({ openedAt }) => formatDay(openedAt, timeZone) },
    { title: 'Won', align: 'end', cell: ({ closedAt }) => formatDay(closedAt, timeZone) },
    { title: 'Days', align: 'end', cell: ({ days }) => formatCount(Math.round(days)) },
    {
      title: 'Amount',
      align: 'end',
      cell: ({ amountMinor, currency }) =>
        amountMinor === null ? '–' : <Amount minor={amountMinor} currency={currency} />,
    },
  ]
}
