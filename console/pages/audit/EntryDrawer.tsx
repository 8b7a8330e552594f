import { Drawer, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatField, formatInstant } from '#console/format.ts'
import { entryQuery, type AuditEntry } from '#console/pages/audit/audit.queries.ts'
import { Actor } from '#console/pages/audit/Actor.tsx'
import { CodeBlock } from '#console/ui/CodeBlock.tsx'
import type { PrincipalName } from '#console/pages/permissions/principals.ts'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Audit.module.css'

/** One entry: before and after of each field that changed, and all else that was noted. */
export function EntryDrawer({
  auditId,
  principals,
  onClose,
}: {
  auditId: string | undefined
  principals: readonly PrincipalName[]
  onClose: () => void
}) {
  return (
    <Drawer
      opened={auditId !== undefined}
      onClose={onClose}
      position="right"
      size={720}
      title="Audit entry"
      closeButtonProps={{ 'aria-label': 'Close the entry' }}
      transitionProps={{ duration: 150 }}
    >
      {auditId !== undefined && <Whole auditId={auditId} principals={principals} />}
    </Drawer>
  )
}

function Whole({ auditId, principals }: { auditId: string; principals: readonly PrincipalName[] }) {
  const { timeZone } = useSession()
  const query = useQuery(entryQuery(auditId))
  if (query.isError) return <Problem error={query.error} />
  if (!query.data) return <Skeleton height={280} />
  const { action, occurredAt, principalId, principalKind, subjectId, requestId, detail } =
    query.data
  const { changes, rest } = splitDetail(detail)
  return (
    <div className={text.form}>
      <h2 className={text.title}>
        <span className={text.id}>{action}</span>
      </h2>
      <dl className={text.facts}>
        <div>
          <dt>When</dt>
          <dd>{formatInstant(occurredAt, timeZone)}</dd>
        </div>
        <div>
          <dt>Who</dt>
          <dd>
            <Actor id={principalId} kind={principalKind} principals={principals} />{' '}
            <Narrow field="actor" value={principalId}>
              All that they did
            </Narrow>
          </dd>
        </div>
        <div>
          <dt>Record</dt>
          <dd>
            <span className={text.id}>{subjectId ?? '—'}</span>{' '}
            {subjectId !== null && (
              <Narrow field="subject" value={subjectId}>
                All that was done to it
              </Narrow>
            )}
          </dd>
        </div>
        <div>
          <dt>Request</dt>
          <dd className={text.id}>{requestId ?? '—'}</dd>
        </div>
        <div>
          <dt>Entry</dt>
          <dd className={text.id}>{auditId}</dd>
        </div>
      </dl>
      <Table
        caption="Before and after"
        rows={changes}
        columns={changeColumns}
        rowKey={({ field }) => field}
        empty={<p className={text.text}>No field changed, or the act is not one on fields.</p>}
      />
      {Object.keys(rest).length > 0 && (
        <div>
          <h3 className={text.title}>Noted with it</h3>
          <CodeBlock label="What was noted with it">{JSON.stringify(rest, null, 2)}</CodeBlock>
        </div>
      )}
    </div>
  )
}

function Narrow({
  field,
  value,
  children,
}: {
  field: 'actor' | 'subject'
  value: string
  children: string
}) {
  return (
    <Link className="tl-link" to="/audit" search={{ [field]: value }}>
      {children}
    </Link>
  )
}

interface FieldChange {
  field: string
  /** Null where the value is personal and so was not kept. */
  sides: { before: unknown; after: unknown } | null
}

/** Fields with both their values, personal ones by name alone, and what is neither. */
function splitDetail({ changed, personal, ...rest }: AuditEntry['detail']): {
  changes: FieldChange[]
  rest: Record<string, unknown>
} {
  const sides = typeof changed === 'object' && changed !== null ? Object.entries(changed) : []
  const changes = sides.map(([field, pair]: [string, unknown]) => {
    const [before, after] = Array.isArray(pair) ? (pair as unknown[]) : [null, pair]
    return { field, sides: { before, after } }
  })
  const named = Array.isArray(personal) ? personal.map(String) : []
  return { changes: [...changes, ...named.map((field) => ({ field, sides: null }))], rest }
}

const changeColumns: Column<FieldChange>[] = [
  { title: 'Field', isHeader: true, cell: ({ field }) => formatField(field) },
  {
    title: 'Before',
    cell: ({ sides }) =>
      sides === null ? (
        <span className={text.soft}>personal: not kept</span>
      ) : (
        <Value value={sides.before} side="before" />
      ),
  },
  {
    title: 'After',
    cell: ({ sides }) =>
      sides === null ? (
        <span className={text.soft}>personal: not kept</span>
      ) : (
        <Value value={sides.after} side="after" />
      ),
  },
]

function Value({ value, side }: { value: unknown; side: 'before' | 'after' }) {
  if (value === null || value === undefined || value === '')
    return <span className={text.soft}>(blank)</span>
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  return side === 'before' ? (
    <del className={classes.value}>{shown}</del>
  ) : (
    <ins className={classes.value}>{shown}</ins>
  )
}
