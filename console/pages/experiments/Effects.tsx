import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ExperimentDetail } from '#reports/experiment.schema.ts'
import { formatCount, formatWord } from '#console/format.ts'
import { formatPercent } from '#console/pages/experiments/experiment-words.ts'
import { movedQuery, type Effect } from '#console/pages/experiments/experiments.queries.ts'
import { PublishLink } from '#console/pages/experiments/PublishLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What the result made of each model that weighs experiments, and what credit moved by it. */
export function Effects({ experiment }: { experiment: ExperimentDetail }) {
  const { effects, channel } = experiment
  return (
    <Panel
      title="What it changed in the credit"
      hint={`The part of revenue that models give to ${formatWord(channel)}, and the credit that moved when they were fitted with the result. Credit that leaves a channel goes to others and to what would have come anyway; all of it still sums to what was won.`}
      flush
    >
      <Table<Effect>
        caption="What the result changed, by model"
        rows={effects}
        columns={columnsOf(experiment)}
        rowKey={({ model }) => model}
        empty={
          <EmptyState title="No model weighs experiments" action={<PublishLink />}>
            The result is kept. A data-driven model takes it up with its first fit.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsOf({ channel, closedAt }: ExperimentDetail): Column<Effect>[] {
  return [
    {
      title: 'Model',
      isHeader: true,
      cell: ({ model, name }) => (
        <Link to="/attribution" search={{ model }} data-row-link>
          {name}
        </Link>
      ),
    },
    {
      title: 'Before',
      hint: '90 % interval of the channel’s part of revenue, by the last fit without the result',
      cell: ({ before }) => <ShareOf share={before} none="No fit before" />,
    },
    {
      title: 'After',
      hint: 'The same by the first fit with the result',
      cell: ({ after }) => <ShareOf share={after} none="Waits for the next fit" />,
    },
    {
      title: 'Doubt',
      align: 'end',
      hint: 'The width of the interval after, against the one before',
      cell: ({ before, after }) => widthOf(before, after),
    },
    {
      title: 'Credit moved',
      align: 'end',
      hint: 'Of the channel, over all time, by the new fit alone',
      cell: (effect) =>
        effect.after && closedAt ? (
          <Moved channel={channel} closedAt={closedAt} effect={effect} />
        ) : (
          'Nothing yet'
        ),
    },
  ]
}

function widthOf(before: Effect['before'], after: Effect['after']): string {
  if (!before || !after || before.high <= before.low) return '—'
  const change = (after.high - after.low) / (before.high - before.low) - 1
  return `${formatPercent(Math.abs(change))} ${change > 0 ? 'wider' : 'narrower'}`
}

function ShareOf({ share, none }: { share: Effect['before']; none: string }) {
  if (share === null) return <span className={text.soft}>{none}</span>
  return (
    <>
      {formatPercent(share.low)} to {formatPercent(share.high)}
    </>
  )
}

function Moved({ channel, closedAt, effect }: { channel: string; closedAt: Date; effect: Effect }) {
  const moved = useQuery(movedQuery(channel, closedAt, effect))
  if (moved.isError) return <NotRead what="What moved" error={moved.error} />
  if (!moved.data) return <span className={text.soft}>…</span>
  const { currency, causes } = moved.data
  const refit = causes.find(({ cause }) => cause === 'model_refit')
  return (
    <>
      {(refit?.deltaMinor ?? 0) > 0 && '+'}
      <Amount minor={refit?.deltaMinor ?? 0} currency={currency} />
      <span className={text.line}>{formatCount(refit?.deals ?? 0)} deals</span>
    </>
  )
}
