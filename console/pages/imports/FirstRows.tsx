import type { ImportPreview } from '#imports/import.schema.ts'
import { formatCount, formatField } from '#console/format.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Row = ImportPreview['rows'][number]

/** The first rows as they would be taken, or why not. */
export function FirstRows({ preview: { rows } }: { preview: ImportPreview }) {
  const fields = [...new Set(rows.flatMap((row) => ('input' in row ? Object.keys(row.input) : [])))]
  return (
    <Panel
      title="The first rows"
      hint="As they would be taken. Check reads every row of the file."
      flush
    >
      <Table
        caption="The first rows as they would be taken"
        rows={rows}
        columns={[...fixed, ...fields.map(columnOf)]}
        rowKey={({ line }) => String(line)}
        empty={<EmptyState title="The file has no row below its heading" />}
      />
    </Panel>
  )
}

const fixed: Column<Row>[] = [
  { title: 'Line', isHeader: true, cell: ({ line }) => formatCount(line) },
  {
    title: 'Taken',
    cell: (row) =>
      'input' in row ? (
        <Badge tone="good">Yes</Badge>
      ) : (
        <span className={text.wrapped}>
          <Badge tone="bad">No</Badge> {row.reason}
        </span>
      ),
  },
]

function columnOf(field: string): Column<Row> {
  return {
    title: formatField(field),
    cell: (row) => {
      if (!('input' in row) || !(field in row.input)) return null
      const value = row.input[field]
      return (
        <FieldValue
          value={typeof value === 'string' || typeof value === 'number' ? value : brief(value)}
        />
      )
    },
  }
}

/** A value of parts, such as custom ones, in a line. */
function brief(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, part]) => `${name}: ${typeof part === 'string' ? part : JSON.stringify(part)}`)
    .join(', ')
}
