/**
 * Journeys of accounts as columns: u accounts, p people, t touches, v conversions. An account is what buys:
 * one person, or all contacts of a company.
 */
export interface AccountJourneys {
  channels: readonly string[]
  campaigns: readonly string[]
  /** Position of the channel of each campaign. */
  campaignChannel: Uint16Array
  /** u accounts: the first and last moment of observation, epoch milliseconds; also those that never had a touch. */
  firstSeenMs: Float64Array
  observedUntilMs: Float64Array
  /** What is known of accounts before any marketing, u small whole numbers each. */
  segments: readonly { name: string; levels: readonly string[]; codes: Uint8Array }[]
  /** u + 1 positions into people. */
  personOffsets: Uint32Array
  /** p channels that the person is randomly left out of; −1 for none. */
  heldOut: Int16Array
  /** u + 1 positions into touches, which ascend in time within the account. */
  touchOffsets: Uint32Array
  /** t touches: epoch milliseconds, position of channel and campaign. */
  touchMs: Float64Array
  touchChannel: Uint16Array
  touchCampaign: Uint32Array
  /** v conversions, in order of account and time. */
  conversionUnit: Uint32Array
  conversionMs: Float64Array
  /** v amounts in whole minor units of one currency. */
  revenueMinor: Float64Array
}

/** @throws RangeError when the columns do not fit together. O(u + t + v). */
export function requireJourneys(data: AccountJourneys): void {
  const units = data.firstSeenMs.length
  const touches = data.touchMs.length
  if (
    data.observedUntilMs.length !== units ||
    data.touchOffsets.length !== units + 1 ||
    data.personOffsets.length !== units + 1 ||
    data.segments.some(({ codes }) => codes.length !== units)
  )
    throw new RangeError('Account columns fit together: u moments and codes, u + 1 offsets.')
  if (
    data.touchOffsets[units] !== touches ||
    data.touchChannel.length !== touches ||
    data.touchCampaign.length !== touches
  )
    throw new RangeError('Touch columns fit together, and the offsets end at their number.')
  if (
    data.conversionMs.length !== data.conversionUnit.length ||
    data.revenueMinor.length !== data.conversionUnit.length
  )
    throw new RangeError('Conversion columns fit together.')
  for (let unit = 0; unit < units; unit++) {
    for (let i = data.touchOffsets[unit]! + 1; i < data.touchOffsets[unit + 1]!; i++) {
      if (data.touchMs[i]! < data.touchMs[i - 1]!)
        throw new RangeError(`Touches of account ${unit} do not ascend in time.`)
    }
  }
}
