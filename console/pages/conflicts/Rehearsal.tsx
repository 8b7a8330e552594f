import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount } from '#console/format.ts'
import {
  rehearsalExport,
  rehearsalQuery,
  type Rehearsal as Rehearsed,
  type RehearsedRule,
} from '#console/pages/conflicts/conflicts.queries.ts'
import { outcomeWords, policyOptions } from '#console/pages/conflicts/policy-words.ts'
import { RecordName } from '#console/pages/sync/RecordName.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/conflicts')
const spans = [
  { value: '30', label: '30 days' },
  { value: '92', label: '92 days' },
  { value: '366', label: '366 days' },
] as const

/** What another rule would have made of the changes that were: nothing is written. Shown once a field is chosen. */
export function Rehearsal({ nameOf }: { nameOf: (connectionId: string) => string }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { connectionId, stream, field, policy, days = '92' } = search
  if (!connectionId || !stream || !field || !policy) return null
  const rule: RehearsedRule = { connectionId, stream, field, policy, days }
  const change = (fields: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <Panel
      title={`If the rule for ${field} had been another`}
      hint={`${nameOf(connectionId)}, ${stream}. Recorded changes are decided once more with the values that met then; nothing is written.`}
      actions={
        <>
          <FilterSelect
            label="Rule"
            value={policy}
            options={policyOptions}
            onChange={(value) => change({ policy: value })}
          />
          <FilterSelect
            label="Over"
            value={days}
            options={spans}
            onChange={(value) => change({ days: value })}
          />
          <ExportMenu {...rehearsalExport(rule)} />
        </>
      }
    >
      <Result rule={rule} />
    </Panel>
  )
}

function Result({ rule }: { rule: RehearsedRule }) {
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

const columns: Column<Rehearsed['examples'][number]>[] = [
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
