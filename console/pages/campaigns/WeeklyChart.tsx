import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import { getRouteApi } from '@tanstack/react-router'
import { useId } from 'react'
import type { BarShapeProps } from 'recharts'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import {
  formatCompact,
  formatCompactAmount,
  formatDate,
  formatExact,
  formatFraction,
} from '#console/format.ts'
import classes from './Campaigns.module.css'

const route = getRouteApi('/frame/campaigns/$campaignId')

type Week = CampaignReport['weeks'][number]

/** Bars by week; those of partial weeks are hatched, as their height is not yet comparable. */
export default function WeeklyChart({ report }: { report: CampaignReport }) {
  const navigate = route.useNavigate()
  const search = route.useSearch()
  const hatch = useId()
  const { weeks, unit, currency } = report
  const format = (value: number) =>
    unit === 'revenue' ? formatCompactAmount(value, currency) : formatCompact(value)
  const open = (week: Week) => {
    if (week.n === 0) return
    void navigate({
      search: { ...search, receipt: week.week, deal: undefined },
      resetScroll: false,
    })
  }
  return (
    <figure className={classes.figure}>
      <figcaption className="tl-hidden">{describe(report)}</figcaption>
      <div aria-hidden>
        <BarChart
          h={260}
          data={weeks}
          dataKey="week"
          series={[{ name: 'value', color: 'var(--tl-bar)' }]}
          gridAxis="x"
          strokeDasharray="0"
          gridColor="var(--tl-grid)"
          textColor="var(--tl-text-3)"
          valueFormatter={format}
          unit=""
          barChartProps={{ barCategoryGap: '22%', accessibilityLayer: false }}
          barProps={{
            isAnimationActive: false,
            maxBarSize: 30,
            cursor: 'pointer',
            onClick: (_, index) => {
              const week = weeks[index]
              if (week) open(week)
            },
            shape: shapeOf(weeks, hatch),
          }}
          xAxisProps={{
            tickFormatter: (week: string) => formatDate(week, { year: false }),
            minTickGap: 24,
          }}
          yAxisProps={{ width: 58 }}
          tooltipProps={{
            cursor: { fill: 'var(--tl-hover)' },
            content: tipOf(weeks, currency),
          }}
        >
          <defs>
            <pattern
              id={hatch}
              width="6"
              height="6"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="6" height="6" fill="var(--tl-surface)" />
              <rect width="2.6" height="6" fill="var(--tl-bar)" />
            </pattern>
          </defs>
        </BarChart>
      </div>
    </figure>
  )
}

function shapeOf(weeks: readonly Week[], hatch: string) {
  return (props: BarShapeProps) => (
    <WeekBar {...props} hatch={hatch} isPartial={weeks[props.index]?.isPartial === true} />
  )
}

function tipOf(weeks: readonly Week[], currency: string) {
  return ({ active, label }: { active?: boolean; label?: string | number | undefined }) => {
    const week = weeks.find((row) => row.week === label)
    return active && week ? <Tip week={week} currency={currency} /> : null
  }
}

function WeekBar({
  x,
  y,
  width,
  height,
  hatch,
  isPartial,
}: BarShapeProps & { hatch: string; isPartial: boolean }) {
  if (!(height > 0)) return null
  return (
    <rect
      x={x}
      y={y}
      width={width}
      height={height}
      rx={Math.min(3, width / 3, height / 2)}
      fill={isPartial ? `url(#${hatch})` : 'var(--tl-bar)'}
      stroke={isPartial ? 'var(--tl-bar)' : 'none'}
    />
  )
}

function Tip({ week, currency }: { week: Week; currency: string }) {
  return (
    <div className={classes.tip}>
      <div className={classes.tipTitle}>
        Week of {formatDate(week.week)}
        {week.isPartial && ', partial'}
      </div>
      <div>
        {currency} {formatExact(week.creditedMinor, currency)}
      </div>
      <div>
        {formatFraction(week.deals)} deals · n = {week.n}
      </div>
      {week.restatedMinor !== 0 && (
        <div>
          Restated by {currency} {formatExact(week.restatedMinor, currency)}
        </div>
      )}
    </div>
  )
}

function describe({ weeks, unit, currency }: CampaignReport): string {
  const best = weeks.reduce((a, b) => (b.value > a.value ? b : a))
  const value =
    unit === 'revenue'
      ? `${currency} ${formatExact(best.creditedMinor, currency)}`
      : `${formatFraction(best.deals)} deals`
  return `Bars of ${weeks.length} weeks; the highest is the week of ${formatDate(best.week)} with ${value}. The table has every week.`
}
