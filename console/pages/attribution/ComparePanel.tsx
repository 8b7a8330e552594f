import { formatShare } from '#console/format.ts'
import { describeModel } from '#console/lens.ts'
import type { Compared, ComparedRow } from '#console/pages/attribution/attribution.queries.ts'
import { CellLink } from '#console/pages/attribution/CellLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import { ModelRange } from '#console/pages/campaigns/ModelRange.tsx'

type Model = Compared['models'][number]

/** The same deals under every model: each amount opens its deals, and a deal its touches. */
export function ComparePanel({ comparison }: { comparison: Compared }) {
  const { currency, timeZone, by, rows } = comparison
  return (
    <>
      <Whole comparison={comparison} />
      <Panel
        title={`Under every model, by ${by}`}
        hint={`Amounts in ${currency}, days in ${timeZone}. Models divide the same won deals; where they lie far apart, no bookkeeping decides: an experiment does.`}
        flush
      >
        <Table
          caption={`Credit by ${by} under every model`}
          rows={rows}
          columns={columnsOf(comparison)}
          rowKey={({ key }) => key ?? 'none'}
          empty={
            <EmptyState title="No won deal in this period">
              Choose a longer period, or let deals and touches come in first.
            </EmptyState>
          }
          {...(rows.length > 0 ? { foot: footOf(comparison) } : {})}
        />
      </Panel>
      <Agreements comparison={comparison} />
    </>
  )
}

/** Credited, baseline and uncredited are together all that was won. */
function Whole({
  comparison: { workspace: won, currency, model, models },
}: {
  comparison: Compared
}) {
  const fitted = models.filter(({ baselineMinor }) => baselineMinor > 0)
  return (
    <Figures>
      <Figure
        label="Won"
        definition="Amount of all deals that closed as won in the period"
        more={`${won.wonDeals} deals`}
      >
        <Amount minor={won.wonMinor} currency={currency} />
      </Figure>
      <Figure
        label="Credited to touches"
        definition="Of what was won, what the chosen model gives to touches"
        more={`${won.creditedDeals} deals · ${describeModel(model).label}`}
      >
        <Amount minor={won.creditedMinor} currency={currency} />
      </Figure>
      <Figure
        label="Uncredited"
        definition="Won without any touch in the window; no model gives it away"
        more={`${won.uncreditedDeals} deals · ${formatShare(won.uncreditedShare)} of what was won`}
      >
        <CellLink receipt="uncredited" model={model}>
          <Amount minor={won.uncreditedMinor} currency={currency} />
        </CellLink>
      </Figure>
      <Figure
        label="Would have come anyway"
        definition="Baseline: what a fitted model says no touch caused. Rules know no such part"
        more={
          fitted.length === 0
            ? 'No fitted model is published'
            : fitted.map((row) => row.name).join(', ')
        }
      >
        {fitted.length === 0 ? (
          '—'
        ) : (
          <CellLink receipt="baseline" model={fitted[0]?.model ?? model}>
            <Amount minor={fitted[0]?.baselineMinor ?? 0} currency={currency} />
          </CellLink>
        )}
      </Figure>
    </Figures>
  )
}

function columnsOf({ by, models, model: chosen, currency, rows }: Compared): Column<ComparedRow>[] {
  const most = Math.max(1, ...rows.flatMap(({ cells }) => cells.map((cell) => cell.creditedMinor)))
  return [
    {
      title: by === 'channel' ? 'Channel' : 'Campaign',
      isHeader: true,
      cell: ({ label }) => label,
    },
    ...models.map((model) => modelColumn(model, model.model === chosen, currency)),
    {
      title: 'Over the models',
      hint: 'From the least to the most that any model credits; the dot is the chosen one',
      cell: ({ cells }) => (
        <ModelRange
          values={cells.map(({ creditedMinor }) => creditedMinor)}
          chosen={cells.find(({ model }) => model === chosen)?.creditedMinor ?? 0}
          most={most}
          currency={currency}
        />
      ),
    },
    {
      title: 'Ranks apart',
      align: 'end',
      hint: 'Lowest less highest rank over the models',
      cell: ({ rankChange }) => rankChange,
    },
  ]
}

function modelColumn(model: Model, isChosen: boolean, currency: string): Column<ComparedRow> {
  const { label, rule } = describeModel(model.model)
  return {
    title: isChosen ? `${label} ✓` : label,
    hint: model.kind === 'rule' ? rule : `${model.name}: fitted to all journeys`,
    align: 'end',
    cell({ key, cells }) {
      const cell = cells.find((one) => one.model === model.model)
      if (!cell || cell.creditedMinor === 0) return <span className={text.soft}>—</span>
      return (
        <>
          <CellLink receipt={`row.${key ?? 'none'}`} model={model.model}>
            <Amount minor={cell.creditedMinor} currency={currency} />
          </CellLink>
          <br />
          <span className={text.soft}>
            {formatShare(cell.share)} · no. {cell.rank}
            {cell.interval &&
              ` · ${formatShare(cell.interval.low)}–${formatShare(cell.interval.high)}`}
          </span>
        </>
      )
    },
  }
}

/** What a model does not give to touches stands below its column, so that every column is all that was credited. */
function footOf({ models, rows, currency }: Compared) {
  const sums = models.map(({ model, baselineMinor }) => {
    const toTouches = rows.reduce(
      (sum, { cells }) => sum + (cells.find((cell) => cell.model === model)?.creditedMinor ?? 0),
      0,
    )
    return (
      <span key={model} title={baselineMinor > 0 ? 'Touches and baseline' : undefined}>
        <Amount minor={toTouches + baselineMinor} currency={currency} />
      </span>
    )
  })
  return ['Sum, baseline included', ...sums, '', '']
}

function Agreements({ comparison: { agreement } }: { comparison: Compared }) {
  const rows = agreement.filter(({ model, other }) => model !== other)
  if (rows.length === 0) return null
  return (
    <Panel
      title="How far the models agree"
      hint="For each pair the part of credit that both give to the same rows."
      flush
    >
      <Table
        caption="Agreement of pairs of models"
        rows={rows.toSorted((a, b) => a.sharedCredit - b.sharedCredit)}
        columns={agreementColumns}
        rowKey={({ model, other }) => `${model} ${other}`}
        empty={null}
      />
    </Panel>
  )
}

const agreementColumns: Column<Compared['agreement'][number]>[] = [
  {
    title: 'Models',
    isHeader: true,
    cell: ({ model, other }) => `${describeModel(model).label} and ${describeModel(other).label}`,
  },
  {
    title: 'Shared credit',
    cell: ({ sharedCredit }) => <Meter share={sharedCredit}>{formatShare(sharedCredit)}</Meter>,
  },
]
