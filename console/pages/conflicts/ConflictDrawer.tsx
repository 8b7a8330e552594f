import { Button, Drawer, Skeleton, Textarea, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { formatField } from '#console/format.ts'
import {
  AREA,
  conflictQuery,
  fieldHistoryQuery,
  resolveConflict,
  type ConflictRow,
  type HistoryRow,
} from '#console/pages/conflicts/conflicts.queries.ts'
import { policies } from '#console/pages/conflicts/policy-words.ts'
import { Side } from '#console/pages/conflicts/Side.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import classes from './Conflicts.module.css'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/conflicts')

/** A conflict whole: both sides, a decision with a note or for another value, and what became of the field before. */
export function ConflictDrawer({ nameOf }: { nameOf: (connectionId: string) => string }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { open } = search
  const close = () => void navigate({ search: { ...search, open: undefined }, resetScroll: false })
  return (
    <Drawer
      opened={open !== undefined}
      onClose={close}
      position="right"
      size={760}
      title="Conflict"
      closeButtonProps={{ 'aria-label': 'Close the conflict' }}
      transitionProps={{ duration: 150 }}
    >
      {open !== undefined && <Whole conflictId={open} nameOf={nameOf} onDone={close} />}
    </Drawer>
  )
}

function Whole({
  conflictId,
  nameOf,
  onDone,
}: {
  conflictId: string
  nameOf: (connectionId: string) => string
  onDone: () => void
}) {
  const conflict = useQuery(conflictQuery(conflictId))
  if (conflict.isError) return <Problem error={conflict.error} />
  if (!conflict.data) return <Skeleton height={280} />
  const { data } = conflict
  return (
    <div className={classes.history}>
      <div>
        <h2 className={classes.title}>{formatField(data.field)}</h2>
        <p className={classes.meta}>
          <Link
            to="/sync/records/$entity/$localId"
            params={{ entity: data.entity, localId: data.localId }}
            className="tl-link"
          >
            {data.entity} {data.localId}
          </Link>{' '}
          · {nameOf(data.connectionId)} {data.externalId} ·{' '}
          <Link
            to="/lineage"
            search={{ record: data.localId, field: data.field }}
            className="tl-link"
          >
            where it comes from and what uses it
          </Link>
        </p>
      </div>
      <div className={classes.sides}>
        <Side name="Hub" side="hub" {...data.hub} deciding={undefined} />
        <Side name={nameOf(data.connectionId)} side="crm" {...data.crm} deciding={undefined} />
      </div>
      {data.state === 'open' && <Decide conflict={data} onDone={onDone} />}
      <History conflict={data} />
    </div>
  )
}

function Decide({ conflict, onDone }: { conflict: ConflictRow; onDone: () => void }) {
  const { can } = useSession()
  const [note, setNote] = useState('')
  const [value, setValue] = useState('')
  const change = useChange(AREA)
  if (!can('conflicts:write')) return null
  const decide = (decision: Parameters<typeof resolveConflict>[1]) =>
    change.run(() => resolveConflict(conflict.id, decision, note.trim()), 'Decided.', onDone)
  return (
    <div className={text.form}>
      <Textarea
        label="Note"
        description="Kept with the decision."
        maxLength={1000}
        autosize
        minRows={2}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <div className={text.row}>
        <Button size="xs" loading={change.isBusy} onClick={() => decide({ choice: 'hub' })}>
          Keep the hub’s
        </Button>
        <Button size="xs" loading={change.isBusy} onClick={() => decide({ choice: 'crm' })}>
          Take the CRM’s
        </Button>
      </div>
      <form
        className={text.row}
        onSubmit={(event) => {
          event.preventDefault()
          decide({ choice: 'value', value: ofSameKind(value, conflict) })
        }}
      >
        <TextInput
          label="Neither: another value"
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
        <Button type="submit" size="xs" variant="default" disabled={value === ''}>
          Give both this value
        </Button>
      </form>
      {change.dialog}
    </div>
  )
}

/** What is typed is text; the field may hold a number or a yes or no. */
function ofSameKind(typed: string, { hub, crm }: ConflictRow): ConflictRow['base'] {
  const known = hub.value ?? crm.value
  if (typeof known === 'number' && typed.trim() !== '' && Number.isFinite(Number(typed)))
    return Number(typed)
  if (typeof known === 'boolean' && (typed === 'true' || typed === 'false')) return typed === 'true'
  return Array.isArray(known) ? typed.split(',').map((part) => part.trim()) : typed
}

type Change = HistoryRow & { change: HistoryRow['fields'][number] }

function History({ conflict }: { conflict: ConflictRow }) {
  const { entity, localId, field } = conflict
  const history = useInfiniteQuery({
    ...fieldHistoryQuery(entity, localId, field),
    select: ({ pages, pageParams }) => ({
      pageParams,
      pages: pages.map((page) => ({
        ...page,
        data: page.data.flatMap((row) => row.fields.map((change) => ({ ...row, change }))),
      })),
    }),
  })
  return (
    <section aria-label="Who changed the field">
      <PagedTable<Change>
        query={history}
        caption="Who changed the field, the newest first"
        what="changes"
        columns={columns}
        rowKey={({ at, runId, change }) => `${at.toISOString()} ${runId} ${change.verdict}`}
        empty={
          <EmptyState title="No earlier change">
            The field is as it was when the record first arrived.
          </EmptyState>
        }
      />
    </section>
  )
}

const columns: Column<Change>[] = [
  { title: 'When', isHeader: true, cell: ({ at }) => <Moment at={at} /> },
  {
    title: 'Who',
    cell: ({ actor, runId }) =>
      runId === null ? (
        <span className={text.id}>{actor ?? 'A person'}</span>
      ) : (
        <Link to="/sync/runs/$runId" params={{ runId }} className="tl-link">
          Run
        </Link>
      ),
  },
  { title: 'Hub', cell: ({ change }) => <FieldValue value={change.hub.value} /> },
  { title: 'CRM', cell: ({ change }) => <FieldValue value={change.crm.value} /> },
  {
    title: 'Won',
    cell: ({ change }) =>
      change.winner === 'none' ? '—' : change.winner === 'hub' ? 'Hub' : 'CRM',
  },
  {
    title: 'Why',
    cell: ({ change }) => (
      <span className={text.wrapped}>
        {change.reason} ({policies[change.policy] ?? change.policy})
      </span>
    ),
  },
]
