import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { outcomes } from '#console/pages/sync/sync-words.ts'
import { healthQuery, journeyQuery } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Skeleton } from '@mantine/core'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Where the lead stands at connected systems: its record there, what is still to be sent and when, the last outcome. */
export function LeadAtCrms({ leadId }: { leadId: string }) {
  const { can } = useSession()
  const isOpen = can('sync:read')
  return (
    <Panel
      title="At CRMs"
      hint={
        isOpen && (
          <Link
            to="/sync/records/$entity/$localId"
            params={{ entity: 'lead', localId: leadId }}
            className="tl-link"
          >
            Its path through every run
          </Link>
        )
      }
      flush={isOpen}
    >
      {isOpen ? <Systems leadId={leadId} /> : <LockedNote what="Sync" scope="sync:read" />}
    </Panel>
  )
}

interface System {
  connectionId: string
  name: string
  externalId: string | null
  pending: { nextAttemptAt: Date | null; heldCode: string | null } | undefined
  last: { outcome: keyof typeof outcomes; code: string | null; at: Date; runId: string } | undefined
}

function Systems({ leadId }: { leadId: string }) {
  const journey = useQuery(journeyQuery('lead', leadId))
  const health = useQuery(healthQuery)
  if (journey.isError) return <Problem error={journey.error} />
  if (!journey.data) return <Skeleton height={90} m={18} w="auto" />
  const { links, pending, outcomes: all } = journey.data
  const ids = new Set([...links, ...pending, ...all].map(({ connectionId }) => connectionId))
  const systems = [...ids].map((connectionId): System => {
    const isIts = (row: { connectionId: string }) => row.connectionId === connectionId
    return {
      connectionId,
      name: health.data?.data.find(isIts)?.name ?? 'A deleted connection',
      externalId: links.find(isIts)?.externalId ?? null,
      pending: pending.find(isIts),
      last: all.find(isIts),
    }
  })
  return (
    <Table
      caption="The lead at connected systems"
      rows={systems}
      columns={columns}
      rowKey={({ connectionId }) => connectionId}
      empty={
        <EmptyState title="At no CRM yet">
          It goes to one with the next run of a connection that sends leads.
        </EmptyState>
      }
    />
  )
}

const columns: Column<System>[] = [
  { title: 'System', isHeader: true, cell: ({ name }) => name },
  {
    title: 'Their id',
    cell: ({ externalId }) =>
      externalId === null ? (
        <span className={text.soft}>No record there</span>
      ) : (
        <span className={text.id}>{externalId}</span>
      ),
  },
  { title: 'Still to be sent', cell: ({ pending }) => <Pending pending={pending} /> },
  {
    title: 'Last outcome',
    align: 'end',
    cell: ({ last }) =>
      last ? (
        <>
          <Badge tone={outcomes[last.outcome].tone} title={last.code ?? undefined}>
            {outcomes[last.outcome].label}
          </Badge>{' '}
          <Link to="/sync/runs/$runId" params={{ runId: last.runId }} className="tl-link">
            <Moment at={last.at} />
          </Link>
        </>
      ) : (
        <span className={text.soft}>No run has met it</span>
      ),
  },
]

function Pending({ pending }: { pending: System['pending'] }) {
  if (!pending) return <Badge tone="good">Nothing</Badge>
  if (pending.heldCode !== null)
    return <Badge tone="bad">Held back after a refusal: {pending.heldCode}</Badge>
  return (
    <Badge tone="busy">
      Changes, sent <Moment at={pending.nextAttemptAt} none="with the next run" />
    </Badge>
  )
}
