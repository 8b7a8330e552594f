import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount } from '#console/format.ts'
import {
  rehearsalQuery,
  type Rehearsal,
  type RehearsedRule,
} from '#console/pages/conflicts/conflicts.queries.ts'
import { outcomeWords } from '#console/pages/conflicts/policy-words.ts'
import { RecordName } from '#console/pages/sync/RecordName.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What a rule would have made of the recorded changes of its field. */
export function RehearsalResult({ rule }: { rule: RehearsedRule }) {
  const rehearsal = useQuery(rehearsalQuery(rule))
  if (rehearsal.isError) return <Problem error={rehearsal.error} />
  if (!rehearsal.data) return <Skeleton height={180} />
  const { changes, records, asked, hubDiffers, crmDiffers, moved, examples, isCutOff } =
    rehearsal.data
  return (
    <>
      <Figures>
        <Figure
          label="Changes looked at"
          definition="Recorded decisions about this field in the period"
          more={`of ${formatCount(records)} records${isCutOff ? ', and there are more' : ''}`}
        >
          {formatCount(changes)}
        </Figure>
        <Figure
          label="Questions to a person"
          definition="Decisions that wait in this inbox"
          more={`${formatCount(asked.before)} as it was`}
        >
          {formatCount(asked.after)}
        </Figure>
        <Figure
          label="Other value here"
          definition="Decisions after which the hub would hold another value"
        >
          {formatCount(hubDiffers)}
        </Figure>
        <Figure
          label="Other value there"
          definition="Decisions after which the CRM would hold another value"
        >
          {formatCount(crmDiffers)}
        </Figure>
      </Figures>
      {moved.length > 0 && (
        <ul className={text.list}>
          {moved.map(({ from, to, count }) => (
            <li key={`${from} ${to}`}>
              {formatCount(count)} × {outcomeWords[to]} instead of {outcomeWords[from]}
            </li>
          ))}
        </ul>
      )}
      <Table
        caption="Changes that would have come out otherwise"
        rows={examples}
        columns={columns}
        rowKey={({ localId, at }) => `${localId} ${at.toISOString()}`}
        empty={
          <EmptyState title="Nothing would have come out otherwise">
            The rule decides every recorded change as it was decided.
          </EmptyState>
        }
      />
    </>
  )
}

const columns: Column<Rehearsal['examples'][number]>[] = [
  {
    title: 'Record',
    isHeader: true,
    cell: ({ localId, externalId }) => (
      <RecordName entity={entityOf(localId)} localId={localId} externalId={externalId} />
    ),
  },
  { title: 'When', cell: ({ at }) => <Moment at={at} /> },
  { title: 'Hub', cell: ({ hub }) => <FieldValue value={hub} /> },
  { title: 'CRM', cell: ({ crm }) => <FieldValue value={crm} /> },
  { title: 'Was', cell: ({ from }) => outcomeWords[from] },
  { title: 'Would be', cell: ({ to }) => outcomeWords[to] },
]

const entities: Readonly<Record<string, string>> = {
  lead: 'lead',
  opp: 'opportunity',
  acc: 'account',
  act: 'activity',
  own: 'owner',
}

/** Records are named by what they are. */
function entityOf(localId: string): string {
  return entities[localId.slice(0, localId.indexOf('_'))] ?? 'lead'
}
