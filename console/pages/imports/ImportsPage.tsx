import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { ImportState, type Import } from '#imports/import.schema.ts'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { formatBytes, importStates } from '#console/pages/imports/import-words.ts'
import {
  importsExport,
  importsQuery,
  isMoving,
  targetsQuery,
} from '#console/pages/imports/imports.queries.ts'
import type { ImportsSearch } from '#console/pages/imports/imports.search.ts'
import { UploadPanel } from '#console/pages/imports/UploadPanel.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'

const route = getRouteApi('/frame/imports')

/** Files that were brought in, and the way to bring in another. */
export function ImportsPage() {
  const { can } = useSession()
  return can('imports:read') ? <Imports /> : <LockedPane what="Imports" scope="imports:read" />
}

function Imports() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { target, state } = search
  const imports = useInfiniteQuery(importsQuery({ target, state }))
  const targets = useQuery(targetsQuery)
  const change = (fields: Partial<ImportsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const isFiltered = target !== undefined || state !== undefined
  return (
    <>
      <PageHead
        title="Imports"
        subtitle="A row of a file becomes what the API would make of it: the same checks, the same audit entries. The same file again changes nothing."
        actions={<ExportMenu {...importsExport({ target, state })} />}
      />
      <UploadPanel />
      <Panel
        title="Imports so far"
        hint="A file is kept for 7 days after its import has ended, rejected rows for 30."
        flush
        actions={
          <>
            <FilterSelect
              label="As"
              value={target ?? ''}
              options={[
                { value: '', label: 'All' },
                ...(targets.data?.data ?? []).map(({ name, label }) => ({ value: name, label })),
              ]}
              onChange={(value) => change({ target: value || undefined })}
            />
            <FilterSelect
              label="State"
              value={state ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                ...ImportState.options.map((value) => ({
                  value,
                  label: importStates[value].label,
                })),
              ]}
              onChange={(value) => change({ state: value === '' ? undefined : value })}
            />
          </>
        }
      >
        <PagedTable<Import>
          query={imports}
          caption="Imports, the newest first"
          what="imports"
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            isFiltered ? (
              <EmptyState title="No import matches">Choose another state or kind.</EmptyState>
            ) : (
              <EmptyState title="Nothing was imported yet">
                Choose a file above. Nothing of it is taken before you have seen how it is read.
              </EmptyState>
            )
          }
        />
      </Panel>
    </>
  )
}

const columns: Column<Import>[] = [
  {
    title: 'File',
    isHeader: true,
    cell: ({ id, fileName }) => (
      <Link to="/imports/$importId" params={{ importId: id }} data-row-link>
        {fileName}
      </Link>
    ),
  },
  { title: 'As', cell: ({ target }) => formatWord(target) },
  {
    title: 'State',
    cell: ({ state, progress }) =>
      isMoving(state) ? (
        <Meter share={progress}>
          {importStates[state].label}, {formatShare(progress)}
        </Meter>
      ) : (
        <Badge tone={importStates[state].tone}>{importStates[state].label}</Badge>
      ),
  },
  { title: 'Size', align: 'end', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
  { title: 'Taken', align: 'end', cell: ({ counts }) => formatCount(counts.accepted) },
  { title: 'Rejected', align: 'end', cell: ({ counts }) => formatCount(counts.rejected) },
  { title: 'Uploaded', cell: ({ createdAt }) => <Moment at={createdAt} /> },
]
