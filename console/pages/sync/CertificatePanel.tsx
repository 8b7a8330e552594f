import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount } from '#console/format.ts'
import { certificateQuery, type Certificate } from '#console/pages/sync/sync.queries.ts'
import { Badge, type Tone } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const verdicts: Readonly<Record<Certificate['verdict'], { label: string; tone: Tone }>> = {
  complete: { label: 'Complete', tone: 'good' },
  incomplete: { label: 'Incomplete: sent again', tone: 'bad' },
  not_proved: { label: 'Not proved', tone: 'warn' },
  not_checked: { label: 'Not read back', tone: 'plain' },
}

/** Whether everything that the run wrote has arrived. */
export function CertificatePanel({ runId }: { runId: string }) {
  const { data, error } = useQuery(certificateQuery(runId))
  if (error)
    return (
      <Panel title="Certificate of completeness">
        <Problem error={error} />
      </Panel>
    )
  if (!data) return <Skeleton height={160} mb={20} />
  const { label, tone } = verdicts[data.verdict]
  const calls = data.checkCalls === 0 ? '' : ` It took ${formatCount(data.checkCalls)} calls.`
  return (
    <Panel
      title="Certificate of completeness"
      hint={`What the run wrote was read back and compared.${calls}`}
      actions={<Badge tone={tone}>{label}</Badge>}
      flush
    >
      <Table
        caption="Records written and found, by stream"
        rows={data.streams}
        columns={columnsOf(runId)}
        rowKey={({ stream }) => stream}
        empty={
          <EmptyState title="Nothing was read back in this run">
            Runs that send changes at once leave it to the next whole run.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsOf(runId: string): Column<Certificate['streams'][number]>[] {
  return [
    { title: 'Stream', isHeader: true, cell: ({ stream }) => stream },
    {
      title: 'Read back',
      cell: ({ scope }) => (scope === 'whole' ? 'every linked record' : 'what was written'),
    },
    { title: 'Believed there', align: 'end', cell: ({ here }) => formatCount(here.records) },
    { title: 'Found there', align: 'end', cell: ({ there }) => formatCount(there.records) },
    { title: 'Not read back', align: 'end', cell: ({ unreadCount }) => formatCount(unreadCount) },
    ...(['missing', 'lost'] as const).map((kind): Column<Certificate['streams'][number]> => ({
      title: kind === 'missing' ? 'Missing' : 'With a lost field',
      align: 'end',
      cell({ stream, [kind]: count }) {
        if (count === 0) return <span className={classes.soft}>0</span>
        return (
          <Link
            to="/sync/runs/$runId"
            params={{ runId }}
            search={{ stream, code: `certificate.${kind}` }}
            hash="records"
            className="tl-link"
          >
            {formatCount(count)}
            <span className="tl-hidden"> {kind}, show them</span>
          </Link>
        )
      },
    })),
    {
      title: 'Changed there since',
      align: 'end',
      cell: ({ changedThere }) => formatCount(changedThere),
    },
  ]
}
