import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Skeleton } from '@mantine/core'
import type { Import } from '#imports/import.schema.ts'
import { formatWord } from '#console/format.ts'
import { Columns } from '#console/pages/imports/Columns.tsx'
import { Dialect } from '#console/pages/imports/Dialect.tsx'
import { FirstRows } from '#console/pages/imports/FirstRows.tsx'
import { formatBytes, importStates } from '#console/pages/imports/import-words.ts'
import { ImportActions } from '#console/pages/imports/ImportActions.tsx'
import { importQuery, previewQuery } from '#console/pages/imports/imports.queries.ts'
import { Outcome } from '#console/pages/imports/Outcome.tsx'
import { Rejects } from '#console/pages/imports/Rejects.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/imports/$importId')

/** One import from its file to its rejected rows. All of it is kept by the hub: a reload goes on where it was. */
export function ImportPage() {
  const { can } = useSession()
  const { importId } = route.useParams()
  if (!can('imports:read')) return <LockedPane what="Imports" scope="imports:read" />
  return <Whole key={importId} importId={importId} />
}

function Whole({ importId }: { importId: string }) {
  const { data: one } = useSuspenseQuery(importQuery(importId))
  const { label, tone } = importStates[one.state]
  return (
    <>
      <PageHead
        title={one.fileName}
        parent={{ label: 'Imports', to: '/imports' }}
        badges={<Badge tone={tone}>{label}</Badge>}
        subtitle={
          <>
            {formatWord(one.target)}, {formatBytes(one.sizeBytes)}, uploaded{' '}
            <Moment at={one.createdAt} />
          </>
        }
        actions={<ImportActions one={one} />}
      />
      {one.state === 'uploaded' ? (
        <Preparing one={one} />
      ) : (
        <>
          <Outcome one={one} />
          {one.counts.rejected > 0 && <Rejects one={one} />}
          <Dialect one={one} />
          <Columns one={one} samples={null} />
        </>
      )}
    </>
  )
}

/** Before the start: what must be settled, how the file is read, and what comes of its first rows. */
function Preparing({ one }: { one: Import }) {
  const preview = useQuery(previewQuery(one.id))
  return (
    <>
      {one.todo.length > 0 && (
        <Panel title="To be settled before the start">
          <ul className={text.list}>
            {one.todo.map(({ pointer, detail }) => (
              <li key={`${pointer} ${detail}`}>{detail}</li>
            ))}
          </ul>
        </Panel>
      )}
      <Dialect one={one} />
      {preview.isError && <Problem error={preview.error} />}
      {preview.isPending && <Skeleton height={320} mb={20} />}
      {preview.data && (
        <>
          <Columns one={one} samples={preview.data.samples} />
          <FirstRows preview={preview.data} />
        </>
      )}
    </>
  )
}
