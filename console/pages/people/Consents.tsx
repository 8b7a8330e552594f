import { formatCount, formatInstant, formatWord } from '#console/format.ts'
import { consentStates } from '#console/pages/people/people-words.ts'
import type { PersonWhole } from '#console/pages/people/people.queries.ts'
import { RecordConsentButton } from '#console/pages/people/RecordConsentButton.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue, MASK, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Effective = PersonWhole['consents']['effective'][number]
type Recorded = PersonWhole['consents']['history'][number]

/** What holds now by purpose and channel, and every record from which it follows, with its proof. */
export function Consents({ person: { id, consents } }: { person: PersonWhole }) {
  const { timeZone } = useSession()
  const { effective, history } = consents
  return (
    <>
      <Panel
        title="What they agreed to"
        hint="A refusal holds at once; after one, only a grant with proof counts."
        actions={<RecordConsentButton personId={id} />}
        flush
      >
        <Table
          caption="Consents that hold now"
          rows={effective}
          columns={effectiveColumns}
          rowKey={({ purpose, channel }) => `${purpose} ${channel}`}
          empty={
            <EmptyState title="No consent is known">
              Without one, nobody is asked to stop and nobody may be written to. Record what the
              person said, with what shows it.
            </EmptyState>
          }
        />
      </Panel>
      {history.length > 0 && (
        <Panel
          title="Records of consent"
          hint={`${formatCount(history.length)}, the newest first, in the order in which they were decided.`}
          flush
        >
          <Table
            caption="Records of consent with their proof"
            rows={history.toReversed()}
            columns={historyColumns(timeZone)}
            rowKey={(record) => record.id}
            empty={null}
          />
        </Panel>
      )}
    </>
  )
}

const what = {
  purpose: { title: 'Purpose', isHeader: true, cell: ({ purpose }) => formatWord(purpose) },
  channel: { title: 'Channel', cell: ({ channel }) => formatWord(channel) },
  status: {
    title: 'Decision',
    cell: ({ status }) => (
      <Badge tone={consentStates[status].tone}>{consentStates[status].label}</Badge>
    ),
  },
  source: { title: 'Told by', cell: ({ source }) => source },
} satisfies Record<string, Column<Pick<Effective, 'purpose' | 'channel' | 'status' | 'source'>>>

const effectiveColumns: Column<Effective>[] = [
  what.purpose,
  what.channel,
  what.status,
  what.source,
  { title: 'Since', align: 'end', cell: ({ since }) => <Moment at={since} /> },
]

function historyColumns(timeZone: string): Column<Recorded>[] {
  return [
    what.purpose,
    what.channel,
    what.status,
    { title: 'Proof', cell: ({ proof }) => <Proof proof={proof} /> },
    what.source,
    {
      title: 'Decided',
      align: 'end',
      cell: ({ occurredAt }) => formatInstant(occurredAt, timeZone),
    },
  ]
}

function Proof({ proof }: { proof: Recorded['proof'] }) {
  if (proof === null) return <span className={text.soft}>None</span>
  const facts = Object.entries(proof)
  // A record of facts has no masked form but an empty one.
  if (facts.length === 0) return <FieldValue value={MASK} />
  return (
    <span className={text.wrapped}>
      {facts.map(([name, value]) => (
        <span key={name}>
          <span className={text.soft}>{formatWord(name)}:</span>{' '}
          <FieldValue value={value as ShownValue} />{' '}
        </span>
      ))}
    </span>
  )
}
