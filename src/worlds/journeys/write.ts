import type { JourneyWorld } from './world.ts'

/** Rows of the three files of a world, header first, each with its line end; a few thousand rows a chunk. */
export interface WorldFiles {
  persons: () => Generator<string>
  touches: () => Generator<string>
  conversions: () => Generator<string>
}

const ROWS_A_CHUNK = 5000

/** The files of a world as other programs read them. O(people + touches). */
export function describeFiles({ columns, spec }: JourneyWorld): WorldFiles {
  const account = (unit: number) => `A${String(unit).padStart(6, '0')}`
  const isAlone = spec.peopleWeights.length === 1
  const person = (unit: number, position: number) =>
    `P${String(unit).padStart(6, '0')}${isAlone ? '' : String.fromCodePoint(97 + position)}`
  const units = columns.firstSeenMs.length
  const channels = columns.channels

  function* personRows(): Generator<string> {
    const names = columns.segments.map(({ name }) => name)
    yield `person_id,account_id,${names.join(',')},first_seen,observed_until,holdout_channel\n`
    for (let unit = 0; unit < units; unit++) {
      const segments = columns.segments.map(({ levels, codes }) => levels[codes[unit]!])
      const from = columns.personOffsets[unit]!
      for (let p = from; p < columns.personOffsets[unit + 1]!; p++) {
        const heldOut = columns.heldOut[p]! < 0 ? '' : channels[columns.heldOut[p]!]
        yield `${person(unit, p - from)},${account(unit)},${segments.join(',')},${dateOf(columns.firstSeenMs[unit]!)},${dateOf(columns.observedUntilMs[unit]!)},${heldOut}\n`
      }
    }
  }
  function* touchRows(): Generator<string> {
    yield 'person_id,ts,channel,campaign,type,cost\n'
    for (let unit = 0; unit < units; unit++) {
      for (let t = columns.touchOffsets[unit]!; t < columns.touchOffsets[unit + 1]!; t++) {
        const { key, type, costMinor } = spec.channels[columns.touchChannel[t]!]!
        yield `${person(unit, columns.touchPerson[t]!)},${momentOf(columns.touchMs[t]!)},${key},${columns.campaigns[columns.touchCampaign[t]!]},${type},${(costMinor / 100).toFixed(2)}\n`
      }
    }
  }
  function* conversionRows(): Generator<string> {
    yield 'person_id,account_id,ts,revenue\n'
    for (let i = 0; i < columns.conversionUnit.length; i++) {
      const unit = columns.conversionUnit[i]!
      yield `${person(unit, 0)},${account(unit)},${momentOf(columns.conversionMs[i]!)},${(columns.revenueMinor[i]! / 100).toFixed(2)}\n`
    }
  }
  return {
    persons: () => chunked(personRows()),
    touches: () => chunked(touchRows()),
    conversions: () => chunked(conversionRows()),
  }
}

/** What is true of a world, as it stands in truth.json; money in whole units with cents. */
export function describeTruth({ columns, spec, truth }: JourneyWorld): Record<string, unknown> {
  const byChannel = (values: ArrayLike<number>) =>
    Object.fromEntries(columns.channels.map((key, c) => [key, values[c]!]))
  const shares = (values: Float64Array) => {
    const sum = values.reduce((total, value) => total + Math.max(0, value), 0)
    return Array.from(values, (value) => rounded(Math.max(0, value) / sum, 5))
  }
  const campaigns = shares(truth.removedCampaignMinor)
  const removed = truth.removedMinor.reduce((sum, value) => sum + value, 0)
  const spend = new Float64Array(columns.channels.length)
  for (const channel of columns.touchChannel) spend[channel]! += spec.channels[channel]!.costMinor
  const oracle = truth.oracleMinor.reduce((sum, value) => sum + value, 0)
  return {
    world: `${spec.kind}_${spec.seed}`,
    note: spec.note,
    unit: spec.peopleWeights.length === 1 ? 'person' : 'account',
    seed: spec.seed,
    units: spec.units,
    touches: columns.touchMs.length,
    conversions: columns.conversionUnit.length,
    realised_revenue: columns.revenueMinor.reduce((sum, minor) => sum + minor, 0) / 100,
    expected_conversions_all_on: rounded(truth.expectedConversions, 1),
    expected_revenue_all_on: rounded(truth.expectedRevenueMinor / 100, 0),
    baseline_share_of_revenue: rounded(truth.baselineShare, 4),
    hazard: spec.form,
    channels: columns.channels,
    true_share_removal: byChannel(shares(truth.removedMinor)),
    true_share_removal_conversions: byChannel(shares(truth.removedConversions)),
    incremental_revenue_removal: byChannel(
      Array.from(truth.removedMinor, (minor) => rounded(minor / 100, 0)),
    ),
    incremental_fraction_of_total_revenue: byChannel(
      Array.from(truth.removedMinor, (minor) => rounded(minor / truth.expectedRevenueMinor, 5)),
    ),
    sum_of_removals_over_total_incremental: rounded(
      removed / truth.expectedRevenueMinor / (1 - truth.baselineShare),
      4,
    ),
    campaign_true_share_removal: Object.fromEntries(
      columns.campaigns.map((key, i) => [key, campaigns[i]!]),
    ),
    /** Revenue of the conversions that came about, by the true hazard: what any method could know at best. */
    oracle_share: Object.fromEntries(
      [...columns.channels, '(baseline)'].map((key, c) => [
        key,
        rounded(truth.oracleMinor[c]! / oracle, 5),
      ]),
    ),
    spend: byChannel(Array.from(spend, (minor) => minor / 100)),
    holdouts: Object.fromEntries(
      spec.holdouts.map(({ channel, share }) => [columns.channels[channel]!, share]),
    ),
  }
}

function* chunked(rows: Generator<string>): Generator<string> {
  let text = ''
  let count = 0
  for (const row of rows) {
    text += row
    if (++count % ROWS_A_CHUNK > 0) continue
    yield text
    text = ''
  }
  yield text
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))
const momentOf = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
