import type { Journeys } from '#analytics/attribution/journeys.ts'
import type { Attribution, AttributionModel } from '#analytics/attribution/models.ts'
import { csvLine, escapeCell } from '#core/csv.ts'

/** What one model says of the journeys. */
export interface Answer extends Attribution {
  name: string
  model: AttributionModel
}

/** One figure with its bounds; without an interval they are null. */
interface Estimate {
  estimate: number
  low: number | null
  high: number | null
}

interface Line {
  channel: string
  conversions: Estimate
  value: Estimate
  /** Of all value, or of all conversions where nothing has a value. */
  share: number
  /** By drawing orders (sampled Shapley). */
  standardError: { conversions: number; value: number } | null
}

/** All figures of all models, channels by credit; the last line of each model is what no channel is credited with. */
export function asJson(journeys: Journeys, answers: readonly Answer[]): string {
  const all = totalsOf(journeys)
  const models = answers.map((answer) => {
    const lines = linesOf(journeys, answer, all)
    const baseline = lines.pop()!
    return {
      model: answer.name,
      about: answer.model.about,
      knowsBaseline: answer.model.knowsBaseline,
      interval: answer.interval && {
        level: answer.interval.level,
        replicates: answer.interval.replicates,
      },
      channels: lines,
      baseline: { conversions: baseline.conversions, value: baseline.value, share: baseline.share },
    }
  })
  return `${JSON.stringify({ totals: all, models }, null, 2)}\n`
}

/** One line a model and channel. */
export function asCsv(journeys: Journeys, answers: readonly Answer[]): string {
  const columns = [
    'model',
    'channel',
    'conversions',
    'conversions_low',
    'conversions_high',
    'value',
    'value_low',
    'value_high',
    'share',
  ]
  const all = totalsOf(journeys)
  const rows = answers.flatMap((answer) =>
    linesOf(journeys, answer, all).map(({ channel, conversions, value, share }) =>
      csvLine(
        [
          answer.name,
          escapeCell(channel),
          ...[conversions.estimate, conversions.low, conversions.high].map(String),
          ...[value.estimate, value.low, value.high].map(String),
          String(share),
        ].map((cell) => (cell === 'null' ? '' : cell)),
      ),
    ),
  )
  return csvLine(columns) + rows.join('')
}

export function asTable(journeys: Journeys, answers: readonly Answer[]): string {
  const all = totalsOf(journeys)
  let text = `${count(all.journeys)} journeys, ${count(all.touches)} touches, ${count(all.conversions)} conversions, value ${figure(all.value)}\n`
  for (const answer of answers) {
    text += `\n${answer.name}: ${answer.model.about}\n`
    text += row('channel', 'conversions', 'value', 'share', boundsTitle(answer))
    for (const { channel, conversions, value, share } of linesOf(journeys, answer, all))
      text += row(
        channel,
        figure(conversions.estimate),
        figure(value.estimate),
        `${(100 * share).toFixed(1)} %`,
        bounds(all.value === 0 ? conversions : value),
      )
    if (answer.standardError !== null)
      text += `drawn: standard error of a channel at most ${figure(Math.max(...answer.standardError.conversions))} conversions, value ${figure(Math.max(...answer.standardError.value))}\n`
    if (!answer.model.knowsBaseline)
      text += 'Credit is shared out, not effect: what would have come anyway is in it.\n'
  }
  return text
}

function totalsOf({ conversions, value, nulls, channel, channels }: Journeys) {
  const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0)
  const converted = sum(conversions)
  return {
    journeys: converted + sum(nulls),
    touches: channel.length,
    channels: channels.length,
    conversions: converted,
    value: sum(value),
  }
}

function linesOf(
  { channels }: Journeys,
  { credit, interval, model, standardError }: Answer,
  all: { conversions: number; value: number },
): Line[] {
  const shareOf = (conversions: number, value: number) =>
    all.value === 0 ? conversions / (all.conversions || 1) : value / all.value
  const lines = channels.map((channel, c): Line => ({
    channel,
    conversions: {
      estimate: credit.conversions[c]!,
      low: interval?.low.conversions[c] ?? null,
      high: interval?.high.conversions[c] ?? null,
    },
    value: {
      estimate: credit.value[c]!,
      low: interval?.low.value[c] ?? null,
      high: interval?.high.value[c] ?? null,
    },
    share: shareOf(credit.conversions[c]!, credit.value[c]!),
    standardError: standardError && {
      conversions: standardError.conversions[c]!,
      value: standardError.value[c]!,
    },
  }))
  lines.sort((a, b) => b.share - a.share)
  const { baseline } = credit
  lines.push({
    channel: model.knowsBaseline ? '(baseline)' : '(no touch)',
    conversions: {
      estimate: baseline.conversions,
      low: interval?.low.baseline.conversions ?? null,
      high: interval?.high.baseline.conversions ?? null,
    },
    value: {
      estimate: baseline.value,
      low: interval?.low.baseline.value ?? null,
      high: interval?.high.baseline.value ?? null,
    },
    share: shareOf(baseline.conversions, baseline.value),
    standardError: null,
  })
  return lines
}

const boundsTitle = ({ interval }: Answer) =>
  interval === null ? '' : `${Math.round(100 * interval.level)} % interval`
const bounds = ({ low, high }: Estimate) =>
  low === null || high === null ? '' : `${figure(low)} to ${figure(high)}`
const count = (value: number) => Math.round(value).toLocaleString('en')
const figure = (value: number) =>
  value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const row = (channel: string, ...cells: string[]) =>
  `${channel.slice(0, 40).padEnd(24)}${cells.map((cell, i) => cell.padStart(i === 3 ? 30 : i === 2 ? 9 : 18)).join('')}`.trimEnd() +
  '\n'
