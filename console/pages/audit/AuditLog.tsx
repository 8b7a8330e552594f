import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatInstant } from '#console/format.ts'
import { auditQuery, type AuditEntry } from '#console/pages/audit/audit.queries.ts'
import type { AuditSearch } from '#console/pages/audit/audit.search.ts'
import { Actor } from '#console/pages/audit/Actor.tsx'
import { EntryDrawer } from '#console/pages/audit/EntryDrawer.tsx'
import { usePrincipals, type PrincipalName } from '#console/pages/permissions/principals.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { DayInput } from '#console/ui/Filters.tsx'
import { FilterText } from '#console/ui/FilterText.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import filters from '#console/ui/Filters.module.css'
import text from '#console/ui/Text.module.css'

const NONE = {
  actor: undefined,
  action: undefined,
  subject: undefined,
  from: undefined,
  to: undefined,
}

/** The log, the newest first, by who, what, which record and when; each filter stands in the address. */
export function AuditLog({
  search,
  onChange,
}: {
  search: AuditSearch
  onChange: (fields: Partial<AuditSearch>) => void
}) {
  const { timeZone } = useSession()
  const { actor, action, subject, from, to, entry } = search
  const log = useInfiniteQuery(auditQuery({ actor, action, subject, from, to }, timeZone))
  const principals = usePrincipals()
  const seen = new Set((log.data?.pages ?? []).flatMap(({ data }) => data.map((one) => one.action)))
  const isFiltered = [actor, action, subject, from, to].some((value) => value !== undefined)
  return (
    <Panel
      title="What was done"
      hint={`Times are those of ${timeZone}.`}
      flush
      actions={
        <>
          <FilterText
            label="Actor"
            value={actor ?? ''}
            placeholder="usr_…, key_…"
            maxLength={64}
            options={principals.map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(value) => onChange({ actor: value || undefined })}
          />
          <FilterText
            label="Action"
            value={action ?? ''}
            placeholder="createApiKey"
            maxLength={60}
            options={[...seen].sort().map((value) => ({ value, label: value }))}
            onChange={(value) => onChange({ action: value || undefined })}
          />
          <FilterText
            label="Record"
            value={subject ?? ''}
            placeholder="lead_…"
            maxLength={64}
            onChange={(value) => onChange({ subject: value || undefined })}
          />
          <span className={filters.chip}>
            <DayInput
              label="From"
              value={from ?? null}
              max={to ?? null}
              onChange={(day) => onChange({ from: day })}
            />
          </span>
          <span className={filters.chip}>
            <DayInput
              label="To"
              value={to ?? null}
              min={from ?? null}
              onChange={(day) => onChange({ to: day })}
            />
          </span>
          {isFiltered && (
            <Button size="xs" h={30} variant="subtle" color="gray" onClick={() => onChange(NONE)}>
              Clear
            </Button>
          )}
        </>
      }
    >
      <PagedTable<AuditEntry>
        query={log}
        caption="The audit log, the newest first"
        what="entries"
        columns={columnsFor(principals, timeZone)}
        rowKey={({ id }) => id}
        empty={
          isFiltered ? (
            <EmptyState title="No entry matches">
              Ids and actions have to be whole; take a filter away or choose other days.
            </EmptyState>
          ) : (
            <EmptyState title="Nothing was done yet">
              The first change that somebody makes stands here, with who made it.
            </EmptyState>
          )
        }
      />
      <EntryDrawer
        auditId={entry}
        principals={principals}
        onClose={() => onChange({ entry: undefined })}
      />
    </Panel>
  )
}

function columnsFor(principals: readonly PrincipalName[], timeZone: string): Column<AuditEntry>[] {
  return [
    {
      title: 'Action',
      isHeader: true,
      cell: ({ id, action }) => (
        <Link
          from="/audit"
          to="/audit"
          search={(search) => ({ ...search, entry: id })}
          resetScroll={false}
          data-row-link
        >
          <span className={text.id}>{action}</span>
        </Link>
      ),
    },
    { title: 'When', cell: ({ occurredAt }) => formatInstant(occurredAt, timeZone) },
    {
      title: 'Who',
      cell: ({ principalId, principalKind }) => (
        <Actor id={principalId} kind={principalKind} principals={principals} />
      ),
    },
    {
      title: 'Record',
      cell: ({ subjectId }) => (
        <span className={text.id} title={subjectId ?? undefined}>
          {subjectId === null ? '—' : shortId(subjectId)}
        </span>
      ),
    },
    {
      title: 'What changed',
      cell: ({ detail }) => <span className={text.wrapped}>{brief(detail)}</span>,
    },
  ]
}

const MAX_NAMES = 4

/** The fields that an entry names, in a line. */
function brief(detail: AuditEntry['detail']): string {
  const { changed, personal } = detail
  const names = [
    ...(typeof changed === 'object' && changed !== null ? Object.keys(changed) : []),
    ...(Array.isArray(personal) ? personal.map(String) : []),
  ]
  if (names.length === 0) return '—'
  const more = names.length - MAX_NAMES
  return names.slice(0, MAX_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
