import { correctable } from '#console/pages/privacy/privacy-words.ts'
import type { CorrectableField, RequestDetail } from '#console/pages/privacy/privacy.queries.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

interface Row {
  field: string
  before: string
  after: string
}

/** What is to be put right, with what stood before once it was carried out; without values once the person was erased. */
export function Corrections({ request }: { request: RequestDetail }) {
  const { fields, changes, before, state } = request
  const held = (before?.['person'] ?? {}) as Readonly<Record<string, unknown>>
  const isOver = state === 'refused'
  const rows = (fields ?? []).map((field) => ({
    field: correctable[field as CorrectableField] ?? field,
    before:
      before === null ? (isOver ? 'Not changed' : 'Seen once it is approved') : shown(held[field]),
    after: changes === null ? 'Erased since' : shown(changes[field]),
  }))
  return (
    <Panel
      title="What is put right"
      hint="Kept sealed with the request; the audit log names fields alone."
      flush
    >
      <Table
        caption="Fields that are put right"
        rows={rows}
        columns={columns}
        rowKey={({ field }) => field}
        empty={<EmptyState title="Nothing" />}
      />
    </Panel>
  )
}

const columns: Column<Row>[] = [
  { title: 'Field', isHeader: true, cell: ({ field }) => field },
  { title: 'Before', cell: ({ before }) => before },
  { title: 'After', cell: ({ after }) => after },
]

function shown(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'Empty'
}
