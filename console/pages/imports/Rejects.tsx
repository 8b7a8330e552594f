import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { Import } from '#imports/import.schema.ts'
import { formatCount } from '#console/format.ts'
import {
  isMoving,
  rejectsFile,
  rejectsQuery,
  type Reject,
} from '#console/pages/imports/imports.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** The rows that were not taken, with why and as they stand in the file. */
export function Rejects({ one: { id, state, columns } }: { one: Import }) {
  const { can } = useSession()
  const rejects = useInfiniteQuery(rejectsQuery(id, isMoving(state)))
  const mayReveal = can('people:reveal')
  return (
    <Panel
      title="Rows that were not taken"
      hint="The file holds them as they were, with why. Correct it and import it as it stands: what was taken already changes nothing."
      flush
      actions={
        <Permitted isPermitted={mayReveal} scope="people:reveal">
          <Button
            component="a"
            href={rejectsFile(id)}
            size="xs"
            h={30}
            variant="default"
            leftSection={<IconDownload size={15} />}
            disabled={!mayReveal}
          >
            Download as a file
          </Button>
        </Permitted>
      }
    >
      <PagedTable<Reject>
        query={rejects}
        caption="Rejected rows"
        what="rows"
        columns={[...fixed, ...cellColumns(columns)]}
        rowKey={({ record }) => String(record)}
        empty={
          <EmptyState title="They are not kept any more">
            Rejected rows go 30 days after the import has ended.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const fixed: Column<Reject>[] = [
  { title: 'Line', isHeader: true, cell: ({ line }) => formatCount(line) },
  {
    title: 'Why',
    cell: ({ reason, code }) => (
      <span className={text.wrapped}>
        {reason}
        <span className={`${text.line} ${text.id}`}>{code}</span>
      </span>
    ),
  },
]

const MAX_COLUMNS = 12

/** The first columns of the file; the rest stands in the download. */
function cellColumns(columns: Import['columns']): Column<Reject>[] {
  return columns.slice(0, MAX_COLUMNS).map(({ column }, i) => ({
    title: column,
    cell: ({ cells }) => <FieldValue value={cells[i] ?? ''} />,
  }))
}
