import { identityKinds } from '#console/pages/people/people-words.ts'
import type { PersonWhole } from '#console/pages/people/people.queries.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Identity = PersonWhole['identities'][number]

/** What names the person. The values are kept sealed and never shown whole. */
export function Identities({ identities }: { identities: readonly Identity[] }) {
  return (
    <Panel
      title="What names them"
      hint="The newest 200, shown to nobody as a whole: enough of each to recognise it."
      flush
    >
      <Table
        caption="Identifiers of the person"
        rows={identities}
        columns={columns}
        rowKey={({ kind, source, masked, createdAt }) =>
          `${kind} ${source} ${masked} ${createdAt.getTime()}`
        }
        empty={
          <EmptyState title="Nothing names them">
            Their identifiers went into another person, or were erased.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<Identity>[] = [
  { title: 'Kind', isHeader: true, cell: ({ kind }) => identityKinds[kind] },
  { title: 'Value', cell: ({ masked }) => <span className={text.id}>{masked}</span> },
  { title: 'System', cell: ({ source }) => (source === '' ? 'Any' : source) },
  { title: 'Since', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
]
