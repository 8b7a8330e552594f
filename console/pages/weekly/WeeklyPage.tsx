import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { addDays } from '#core/calendar.ts'
import { formatDate, formatInstant } from '#console/format.ts'
import { describeModel, windowLabel } from '#console/lens.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { Agenda } from '#console/pages/weekly/Agenda.tsx'
import { Comments } from '#console/pages/weekly/Comments.tsx'
import { CreditPanels } from '#console/pages/weekly/CreditPanels.tsx'
import { Funnel } from '#console/pages/weekly/Funnel.tsx'
import { Headline } from '#console/pages/weekly/Headline.tsx'
import { PipelinePanel } from '#console/pages/weekly/PipelinePanel.tsx'
import {
  figuresOf,
  weekliesQuery,
  weeklyExport,
  weeklyQuery,
  type WeeklyWhole,
} from '#console/pages/weekly/weekly.queries.ts'
import { WeeklyReceipt } from '#console/pages/weekly/WeeklyReceipt.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/reports/weekly/$reportId')

/** One week as it was frozen: its figures with their receipts, what there is to talk about, and what was said. */
export function WeeklyPage() {
  const { can } = useSession()
  const { reportId } = route.useParams()
  const isOpen = can('performance:read')
  const report = useQuery({ ...weeklyQuery(reportId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Weekly reports" scope="performance:read" />
  if (report.isError) return <Problem error={report.error} isPage />
  return report.data ? <Whole report={report.data} /> : <PageSkeleton />
}

function Whole({ report }: { report: WeeklyWhole }) {
  const { timeZone } = useSession()
  const { week, createdAt, createdBy, agenda, sha256, id } = report
  const figures = figuresOf(report)
  const open = agenda.filter(({ state }) => state === 'open').length
  return (
    <>
      <PageHead
        parent={{ label: 'Weekly reports', to: '/reports/weekly' }}
        title={`Week of ${formatDate(week)}`}
        subtitle={
          <>
            {formatDate(week)} – {formatDate(addDays(week, 6))}, frozen{' '}
            {formatInstant(createdAt, timeZone)} <OwnerName owner={createdBy} verb="by" />.
          </>
        }
        badges={
          <Badge tone={open === 0 ? 'good' : 'warn'}>
            {open === 0 ? 'Nothing is open' : `${open} open on the agenda`}
          </Badge>
        }
        actions={<ExportMenu {...weeklyExport(id)} />}
        filters={<WeekFilter report={report} />}
      />
      {figures ? (
        <Headline figures={figures} />
      ) : (
        <EmptyState title="The figures have an older form">
          Another version of the hub made this report, and it is kept as it was. Export it as JSON
          to read its figures.
        </EmptyState>
      )}
      <Agenda report={report} />
      {figures && (
        <>
          <CreditPanels figures={figures} />
          <Funnel figures={figures} />
          <PipelinePanel figures={figures} />
        </>
      )}
      <Comments reportId={id} />
      <Panel title="How to read this">
        <ul className={text.list}>
          <li>
            Who has the same hash sees the same numbers, whatever their roles:{' '}
            <code className={text.id}>{sha256.slice(0, 16)}…</code>
          </li>
          {figures && (
            <li>
              Credit by {describeModel(figures.model).label.toLowerCase()},{' '}
              {windowLabel(figures.window).toLowerCase()} before the close, in {figures.currency}.
              Receipts show the ledger as it stood when the report was made.
            </li>
          )}
          {figures?.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </Panel>
      {figures && <WeeklyReceipt report={report} figures={figures} />}
    </>
  )
}

/** From week to week, without the way back to the list. */
function WeekFilter({ report: { id, week } }: { report: WeeklyWhole }) {
  const navigate = useNavigate()
  const weeklies = useInfiniteQuery(weekliesQuery)
  const rows = weeklies.data?.pages.flatMap(({ data }) => data) ?? []
  const known = rows.some((row) => row.id === id) ? rows : [{ id, week }, ...rows]
  return (
    <>
      <FilterSelect
        label="Week of"
        value={id}
        options={known.map((row) => ({ value: row.id, label: formatDate(row.week) }))}
        onChange={(reportId) =>
          void navigate({ to: '/reports/weekly/$reportId', params: { reportId } })
        }
      />
      <NotRead what="The other weeks" error={weeklies.error} />
    </>
  )
}
