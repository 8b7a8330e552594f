import { Button, Drawer, Group, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatCount, formatField, formatInstant, formatWord } from '#console/format.ts'
import {
  AREA,
  decideThreat,
  threatQuery,
  undoThreat,
  type ThreatWhole,
} from '#console/pages/operations/operations.queries.ts'
import { measureKinds, threatKinds, threatStates } from '#console/pages/operations/threat-words.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** One sign of an attack: what it was seen by, where the credential is used, what was done, and whether it was one. */
export function ThreatDrawer({
  threatId,
  onClose,
}: {
  threatId: string | undefined
  onClose: () => void
}) {
  return (
    <Drawer
      opened={threatId !== undefined}
      onClose={onClose}
      position="right"
      size={720}
      title="Sign of an attack"
      closeButtonProps={{ 'aria-label': 'Close the sign' }}
      transitionProps={{ duration: 150 }}
    >
      {threatId !== undefined && <Whole threatId={threatId} />}
    </Drawer>
  )
}

function Whole({ threatId }: { threatId: string }) {
  const { timeZone } = useSession()
  const threat = useQuery(threatQuery(threatId))
  if (threat.isError) return <Problem error={threat.error} />
  if (!threat.data) return <Skeleton height={280} />
  const {
    kind,
    state,
    subjectKind,
    subject,
    address,
    evidence,
    heldBack,
    decidedAt,
    measures,
    uses,
  } = threat.data
  return (
    <div className={text.form}>
      <div>
        <h2 className={text.title}>
          {threatKinds[kind].label}{' '}
          <Badge tone={threatStates[state].tone}>{threatStates[state].label}</Badge>
        </h2>
        <p className={text.text}>{threatKinds[kind].what}</p>
      </div>
      <dl className={text.facts}>
        <div>
          <dt>{formatWord(subjectKind)}</dt>
          <dd className={text.id}>{subject}</dd>
        </div>
        {address !== null && (
          <div>
            <dt>Address</dt>
            <dd>
              <FieldValue value={address} />
            </dd>
          </div>
        )}
        {Object.entries(evidence).map(([name, value]) => (
          <div key={name}>
            <dt>{formatField(name)}</dt>
            <dd>{formatCount(value)}</dd>
          </div>
        ))}
        {decidedAt !== null && (
          <div>
            <dt>Decided</dt>
            <dd>{formatInstant(decidedAt, timeZone)}</dd>
          </div>
        )}
      </dl>
      {heldBack !== null && <p className={text.text}>No measure was taken: {heldBack}</p>}
      <Decide threat={threat.data} />
      <Table
        caption="What was done"
        rows={measures}
        columns={measureColumns}
        rowKey={({ id }) => id}
        empty={<EmptyState title="Nothing was held back">It was only told of.</EmptyState>}
      />
      {uses.length > 0 && (
        <Table
          caption="Where the credential was used"
          rows={uses}
          columns={placeColumns}
          rowKey={({ network, agent, firstSeenAt }) =>
            `${network} ${agent} ${firstSeenAt.toISOString()}`
          }
          empty={null}
        />
      )}
    </div>
  )
}

const measureColumns: Column<ThreatWhole['measures'][number]>[] = [
  { title: 'Measure', isHeader: true, cell: ({ kind }) => measureKinds[kind] },
  { title: 'Since', cell: ({ beginsAt }) => <Moment at={beginsAt} /> },
  {
    title: 'Until',
    cell: ({ endsAt, undoneAt }) =>
      undoneAt === null ? (
        <Moment at={endsAt} />
      ) : (
        <Badge tone="plain">
          Undone <Moment at={undoneAt} />
        </Badge>
      ),
  },
]

const placeColumns: Column<ThreatWhole['uses'][number]>[] = [
  { title: 'Network', isHeader: true, cell: ({ network }) => <FieldValue value={network} /> },
  { title: 'With', cell: ({ agent }) => <FieldValue value={agent} /> },
  { title: 'Requests', align: 'end', cell: ({ requests }) => formatCount(requests) },
  {
    title: 'Known',
    cell: ({ known }) =>
      known ? <Badge tone="good">Known</Badge> : <Badge tone="warn">New</Badge>,
  },
  { title: 'Last', cell: ({ lastSeenAt }) => <Moment at={lastSeenAt} /> },
]

type Act = 'confirmed' | 'dismissed' | 'undo'

const acts: Readonly<Record<Act, { title: string; confirm: string; what: string; done: string }>> =
  {
    confirmed: {
      title: 'It was an attack',
      confirm: 'It was one',
      what: 'It counts as one in the figures. What is held back stays so until it ends or is undone; revoke the credential where it is kept.',
      done: 'Noted: it was one.',
    },
    dismissed: {
      title: 'It was no attack',
      confirm: 'It was none',
      what: 'It counts as a false sign, and the places where the credential is used are known from now on. What is held back stays so until it is undone.',
      done: 'Noted: it was none.',
    },
    undo: {
      title: 'Undo what is held back',
      confirm: 'Undo',
      what: 'The credential or address works as before, at once. An open sign counts as none. A session that was ended stays so.',
      done: 'Undone.',
    },
  }

function Decide({ threat: { id, state, measures } }: { threat: ThreatWhole }) {
  const { can } = useSession()
  const nowMs = useNowMs()
  const [asked, setAsked] = useState<Act | null>(null)
  const change = useChange(AREA)
  if (!can('security:write')) return null
  const isHeld = measures.some(
    ({ undoneAt, endsAt }) => undoneAt === null && endsAt.getTime() > nowMs,
  )
  const close = () => setAsked(null)
  const act = asked === null ? acts.undo : acts[asked]
  return (
    <>
      <Group gap="xs">
        {state === 'open' && (
          <>
            <Button size="xs" onClick={() => setAsked('confirmed')}>
              It was one…
            </Button>
            <Button size="xs" variant="default" onClick={() => setAsked('dismissed')}>
              It was none…
            </Button>
          </>
        )}
        {isHeld && (
          <Button size="xs" variant="default" onClick={() => setAsked('undo')}>
            Undo what is held back…
          </Button>
        )}
      </Group>
      <ConfirmDialog
        opened={asked !== null}
        onClose={close}
        title={act.title}
        confirm={act.confirm}
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => (asked === null || asked === 'undo' ? undoThreat(id) : decideThreat(id, asked)),
            act.done,
            close,
          )
        }
      >
        <p className={text.text}>{act.what}</p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
