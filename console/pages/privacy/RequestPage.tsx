import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatInstant, formatWord } from '#console/format.ts'
import { Corrections } from '#console/pages/privacy/Corrections.tsx'
import { receiptStates, requestKinds, requestStates } from '#console/pages/privacy/privacy-words.ts'
import {
  requestExport,
  requestQuery,
  type RequestDetail,
} from '#console/pages/privacy/privacy.queries.ts'
import { RequestDecision } from '#console/pages/privacy/RequestDecision.tsx'
import { Due } from '#console/pages/privacy/Requests.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/privacy/$requestId')

/** One request: who took and who decided it, what was erased here and there, and what remains until when. */
export function RequestPage() {
  const { can } = useSession()
  const { requestId } = route.useParams()
  const isOpen = can('privacy:read')
  const request = useQuery({ ...requestQuery(requestId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Requests about data" scope="privacy:read" />
  if (request.isError) return <Problem error={request.error} isPage />
  const { data } = request
  if (!data) return <PageSkeleton />
  const { kind, state } = data
  return (
    <>
      <PageHead
        parent={{ label: 'Privacy', to: '/privacy' }}
        title={`${requestKinds[kind].label} ${shortId(requestId)}`}
        subtitle={requestKinds[kind].what}
        badges={<Badge tone={requestStates[state].tone}>{requestStates[state].label}</Badge>}
        actions={<ExportMenu {...requestExport(requestId)} />}
      />
      <RequestDecision request={data} />
      <Facts request={data} />
      {data.fields !== null && <Corrections request={data} />}
      {data.receipts.length > 0 && <Receipts receipts={data.receipts} />}
      {data.erased !== null && <Erased erased={data.erased} />}
      {data.remains.length > 0 && (
        <Panel title="What remains, and until when">
          <ul className={text.list}>
            {data.remains.map((what) => (
              <li key={what}>{what}</li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  )
}

function Facts({ request }: { request: RequestDetail }) {
  const { timeZone } = useSession()
  const { personId, requestedBy, requestedAt, decidedBy, decidedAt, decision, note } = request
  return (
    <Panel title="The request">
      <dl className={text.facts}>
        <div>
          <dt>Person</dt>
          <dd className={text.id}>{personId}</dd>
        </div>
        <div>
          <dt>Taken</dt>
          <dd>
            {formatInstant(requestedAt, timeZone)}, <OwnerName owner={requestedBy} verb="by" />
          </dd>
        </div>
        <div>
          <dt>Due</dt>
          <dd>
            <Due request={request} />
          </dd>
        </div>
        <div>
          <dt>Decided</dt>
          <dd>
            {decidedAt === null ? (
              'Not yet'
            ) : (
              <>
                {formatInstant(decidedAt, timeZone)}, <OwnerName owner={decidedBy} verb="by" />
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Note</dt>
          <dd>{note}</dd>
        </div>
        {decision !== null && (
          <div>
            <dt>Why it was refused</dt>
            <dd>{decision}</dd>
          </div>
        )}
      </dl>
    </Panel>
  )
}

function Erased({ erased }: { erased: NonNullable<RequestDetail['erased']> }) {
  const rows = Object.entries(erased).map(([table, count]) => ({ table, count }))
  return (
    <Panel title="Erased here" flush>
      <Table
        caption="Rows that were erased, by table"
        rows={rows}
        columns={erasedColumns}
        rowKey={({ table }) => table}
        empty={<EmptyState title="Nothing was held of the person" />}
      />
    </Panel>
  )
}

const erasedColumns: Column<{ table: string; count: number }>[] = [
  { title: 'What', isHeader: true, cell: ({ table }) => formatWord(table) },
  { title: 'Rows', align: 'end', cell: ({ count }) => formatCount(count) },
]

type Receipt = RequestDetail['receipts'][number]

function Receipts({ receipts }: { receipts: readonly Receipt[] }) {
  return (
    <Panel title="Receipts of connected systems" hint="One for each record there." flush>
      <Table
        caption="Records there and what became of them"
        rows={receipts}
        columns={receiptColumns}
        rowKey={({ connectionId, entity, externalId }) => `${connectionId} ${entity} ${externalId}`}
        empty={null}
      />
    </Panel>
  )
}

const receiptColumns: Column<Receipt>[] = [
  { title: 'System', isHeader: true, cell: ({ system }) => system },
  { title: 'Record', cell: ({ entity }) => formatWord(entity) },
  { title: 'Their id', cell: ({ externalId }) => <span className={text.id}>{externalId}</span> },
  {
    title: 'State',
    cell: ({ state, detail }) => (
      <span className={text.wrapped}>
        <Badge tone={receiptStates[state].tone}>{receiptStates[state].label}</Badge> {detail}
      </span>
    ),
  },
  { title: 'Tries', align: 'end', cell: ({ attempts }) => attempts },
  {
    title: 'When',
    align: 'end',
    cell: ({ doneAt, nextAttemptAt }) => <Moment at={doneAt ?? nextAttemptAt} />,
  },
]
