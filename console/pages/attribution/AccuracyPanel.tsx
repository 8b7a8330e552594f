import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { describeModel } from '#console/lens.ts'
import { accuracyQuery, type Card } from '#console/pages/attribution/attribution.queries.ts'
import { PublishButton } from '#console/pages/attribution/PublishButton.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** How close each model is expected to come to the truth on data like these, and which to use. */
export function AccuracyPanel() {
  const card = useQuery(accuracyQuery)
  return (
    <Panel
      title="Accuracy on data like these"
      hint="Measured on simulated companies whose truth is known, of the kinds that fit the data of this workspace."
      flush
      actions={
        card.data?.recommended.keptAs.length === 0 && (
          <PublishButton method={card.data.recommended.method} />
        )
      }
    >
      {card.isError && <Problem error={card.error} />}
      {card.isPending && <Skeleton height={220} m={18} w="auto" />}
      {card.data && (
        <>
          <Recommendation card={card.data} />
          <Table
            caption="Expected accuracy by model"
            rows={card.data.models}
            columns={columnsOf(card.data.recommended.method)}
            rowKey={({ model }) => model}
            empty={null}
          />
        </>
      )}
    </Panel>
  )
}

function Recommendation({ card: { profile, recommended, kinds } }: { card: Card }) {
  const kept = recommended.keptAs.map((model) => describeModel(model).label).join(', ')
  return (
    <div className={text.pad}>
      <p className={text.text}>
        <Badge tone="info">Recommended</Badge> <strong>{formatWord(recommended.method)}</strong>
        {kept === '' ? ', which no model of this workspace uses yet. ' : `, kept here as ${kept}. `}
        {recommended.reason}
      </p>
      <p className={text.soft}>
        {formatCount(profile.conversions)} won deals, {formatCount(profile.touches)} touches,{' '}
        {formatCount(profile.channels)} channels, {formatCount(profile.holdouts)} with a random
        holdout, {formatShare(profile.directShare)} of touches without marketing. Could be:{' '}
        {kinds.map((kind) => formatWord(kind).toLowerCase()).join(', ')}.
      </p>
    </div>
  )
}

function columnsOf(recommended: string): Column<Card['models'][number]>[] {
  return [
    {
      title: 'Model',
      isHeader: true,
      cell: ({ model, method }) => (
        <>
          {describeModel(model).label}{' '}
          {method === recommended && <Badge tone="info">Recommended</Badge>}
        </>
      ),
    },
    {
      title: 'Expected accuracy',
      hint: 'One less half the distance between credited and true shares of won revenue, what would have come anyway included',
      cell: ({ accuracy }) =>
        accuracy === null ? (
          <span className={text.soft}>Not measured</span>
        ) : (
          <Meter share={accuracy.expected}>{formatShare(accuracy.expected)}</Meter>
        ),
    },
    {
      title: 'Nine in ten',
      hint: 'Nine in ten data sets like this one lie between',
      align: 'end',
      cell: ({ accuracy }) =>
        accuracy === null ? '—' : `${formatShare(accuracy.low)} – ${formatShare(accuracy.high)}`,
    },
    {
      title: 'Known to get wrong',
      cell: ({ accuracy }) => <span className={text.wrapped}>{accuracy?.wrongAbout ?? '—'}</span>,
    },
  ]
}
