import { formatField, formatWord } from '#console/format.ts'
import { consentStates } from '#console/pages/people/people-words.ts'
import type { Preview } from '#console/pages/people/people.queries.ts'
import { describeMoved } from '#console/pages/people/UnmergeButton.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Value = Preview['values'][number]
type Consent = Preview['consents'][number]

/** What a merge would give: field by field, what moves, and which consents hold. */
export function MergePreview({ preview }: { preview: Preview }) {
  const { refusal, values, moves, consents } = preview
  return (
    <>
      {refusal !== null && <Badge tone="warn">{refusal}</Badge>}
      <Table
        caption="Values of both, and after a merge"
        rows={values}
        columns={valueColumns}
        rowKey={({ field }) => field}
        empty={
          <EmptyState title="No values on either side">
            Only identifiers and what they did are known of both.
          </EmptyState>
        }
      />
      <p className={text.text}>Moves to who stays: {describeMoved(moves).toLowerCase()}.</p>
      {consents.length > 0 && (
        <Table
          caption="Consents of both, and after a merge"
          rows={consents}
          columns={consentColumns}
          rowKey={({ purpose, channel }) => `${purpose} ${channel}`}
          empty={null}
        />
      )}
    </>
  )
}

const shown = (value: unknown): ShownValue =>
  value === null || typeof value !== 'object' ? (value as ShownValue) : JSON.stringify(value)

const valueColumns: Column<Value>[] = [
  { title: 'Field', isHeader: true, cell: ({ field }) => formatField(field) },
  {
    title: 'Who stays',
    cell: ({ source, stays }) => <FieldValue value={source === 'into' ? shown(stays) : null} />,
  },
  {
    title: 'Who goes in',
    cell: ({ source, stays, setAside }) => (
      <FieldValue value={shown(source === 'into' ? setAside : stays)} />
    ),
  },
  {
    title: 'After the merge',
    cell: ({ source, stays, setAside }) => (
      <>
        <strong>
          <FieldValue value={shown(stays)} />
        </strong>{' '}
        <span className={text.soft}>{effect(source, stays, setAside)}</span>
      </>
    ),
  },
]

function effect(source: Value['source'], stays: unknown, setAside: unknown): string {
  if (source === 'from') return 'fills the gap'
  if (setAside === null || setAside === stays) return ''
  return 'the other is set aside'
}

const consentColumns: Column<Consent>[] = [
  {
    title: 'Consent',
    isHeader: true,
    cell: ({ purpose, channel }) => `${formatWord(purpose)}, ${channel}`,
  },
  { title: 'Who stays', cell: ({ into }) => <Status status={into} /> },
  { title: 'Who goes in', cell: ({ from }) => <Status status={from} /> },
  { title: 'After the merge', cell: ({ after }) => <Status status={after} /> },
]

function Status({ status }: { status: Consent['into'] }) {
  if (status === null) return <span className={text.soft}>Never said</span>
  return <Badge tone={consentStates[status].tone}>{consentStates[status].label}</Badge>
}
