import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Use } from '#console/pages/lineage/lineage.queries.ts'
import { describeModel } from '#console/lens.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const kinds: Readonly<Record<Use['kind'], string>> = {
  connection: 'Sent to a system',
  credit: 'Attribution',
  deal: 'Deal',
  learned_model: 'Learned score',
  scoring: 'Scoring rules',
  routing: 'Routing rules',
  lead_score: 'Score of the lead',
  export: 'Shown or exported',
  webhook: 'Told by webhook',
  weekly_report: 'Weekly report',
}

/** What stands on the field; each leads to its figures. */
export function Uses({ uses }: { uses: readonly Use[] }) {
  return (
    <Table
      caption="What uses the field"
      rows={uses}
      columns={columns}
      rowKey={({ kind, id, detail }) => `${kind} ${id} ${detail}`}
      empty={
        <EmptyState title="Nothing uses it">
          No figure, deal, model or rule rests on this field.
        </EmptyState>
      }
    />
  )
}

const columns: Column<Use>[] = [
  { title: 'Use', isHeader: true, cell: ({ kind }) => kinds[kind] },
  { title: 'Which', cell: (use) => <Target use={use} /> },
  { title: 'How', cell: ({ detail }) => detail },
]

function Target({ use: { kind, id } }: { use: Use }): ReactNode {
  switch (kind) {
    case 'connection':
      return (
        <Link to="/sync" hash={id} className="tl-link">
          {shortId(id)}
        </Link>
      )
    case 'credit':
      return (
        <Link to="/campaigns" search={{ model: id }} className="tl-link">
          {describeModel(id).label}
        </Link>
      )
    case 'deal':
      return (
        <Link to="/attribution" search={{ deal: id }} className="tl-link">
          Receipt of {shortId(id)}
        </Link>
      )
    case 'learned_model':
      return (
        <Link to="/scores/$modelId" params={{ modelId: id }} className="tl-link">
          {shortId(id)}
        </Link>
      )
    case 'lead_score':
      return (
        <Link to="/scores/leads/$leadId" params={{ leadId: id }} className="tl-link">
          {shortId(id)}
        </Link>
      )
    case 'export':
      return <span className={text.soft}>{id}</span>
    case 'webhook':
    case 'weekly_report':
      return <span className={text.soft}>{shortId(id)}</span>
    case 'scoring':
    case 'routing':
      return <span className={text.soft}>version {id}</span>
  }
}
