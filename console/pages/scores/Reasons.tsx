import { Link } from '@tanstack/react-router'
import { formatShare } from '#console/format.ts'
import type { LeadScores } from '#console/pages/scores/scores.queries.ts'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { ProbabilityMeter } from '#console/pages/scores/ProbabilityMeter.tsx'
import text from '#console/ui/Text.module.css'

type Probability = LeadScores['learned'][number]

/** A probability and what it is made of: the average case and each reason sum to it. */
export function Reasons({ title, probability }: { title: string; probability: Probability }) {
  const { reasons, base, points, modelId, scoredAt } = probability
  const most = Math.max(1, ...reasons.map((reason) => Math.abs(reason.points)))
  const average = 1 / (1 + Math.exp(-base / 1000))
  return (
    <Panel
      title={title}
      hint={
        <>
          By{' '}
          <Link to="/scores/$modelId" params={{ modelId }} className="tl-link">
            the model in use
          </Link>
          , scored <Moment at={scoredAt} />. The average case has {formatShare(average)}; each
          reason moves it up or down.
        </>
      }
      actions={<ProbabilityMeter {...probability} />}
      flush
    >
      <Table
        caption={`Reasons: ${title}`}
        rows={reasons}
        columns={columnsOf(most)}
        rowKey={({ feature }) => feature}
        empty={null}
        foot={['Average case and reasons', '', <span key="sum">{inLogOdds(points)}</span>]}
      />
    </Panel>
  )
}

function columnsOf(most: number): Column<Probability['reasons'][number]>[] {
  return [
    { title: 'Reason', isHeader: true, cell: ({ label }) => label },
    { title: 'Value', cell: ({ value }) => <FieldValue value={rounded(value)} /> },
    {
      title: 'Moves by',
      hint: 'Log-odds',
      cell: ({ points }) => (
        <Meter share={Math.abs(points) / most} tone={points < 0 ? 'warn' : undefined}>
          {inLogOdds(points)} <span className={text.soft}>{points < 0 ? 'down' : 'up'}</span>
        </Meter>
      ),
    },
  ]
}

function rounded(value: string | number | null): string | number | null {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value
}

function inLogOdds(points: number): string {
  return `${points > 0 ? '+' : points < 0 ? '−' : ''}${(Math.abs(points) / 1000).toFixed(2)}`
}
