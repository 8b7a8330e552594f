import { formatInstant, formatWord } from '#console/format.ts'
import { matches } from '#console/pages/leads/lead-words.ts'
import type { LeadWhole } from '#console/pages/leads/leads.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Capture = LeadWhole['captures'][number]

/** The receipts of what was sent in as this lead. */
export function Captures({ captures }: { captures: readonly Capture[] }) {
  const { timeZone } = useSession()
  return (
    <Panel
      title="Submissions"
      hint="A receipt for each that came in, the last 100, the newest first."
      flush
    >
      <Table
        caption="Submissions of the lead"
        rows={captures}
        columns={columnsOf(timeZone)}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No submission">
            The lead came otherwise, or its receipts are past their time.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsOf(timeZone: string): Column<Capture>[] {
  return [
    {
      title: 'Receipt',
      isHeader: true,
      cell: ({ id }) => (
        <span className={text.id} title={id}>
          {shortId(id)}
        </span>
      ),
    },
    { title: 'Who it was then', cell: ({ match }) => matches[match] },
    { title: 'Told by', cell: ({ source }) => source },
    { title: 'Channel', cell: ({ channel }) => formatWord(channel) },
    { title: 'Captured', cell: ({ capturedAt }) => formatInstant(capturedAt, timeZone) },
    { title: 'Came in', align: 'end', cell: ({ receivedAt }) => <Moment at={receivedAt} /> },
  ]
}
