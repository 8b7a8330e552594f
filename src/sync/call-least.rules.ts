import { sharesOf, type Allowance } from './call-shares.rules.ts'

/** No allowance is larger. */
const MOST_CALLS = 100_000_000
const MOST_RECORDS = 2 ** 27

/** What a day of a connection takes before its first record is sent, and to send some. */
export interface DayNeeds {
  /** Asked once of the account. */
  account: number
  /** To make what the hub keeps there; 0 once it is there. */
  preparation: number
  /** Those that are not paused, in their order. */
  streams: readonly {
    name: string
    /** To look what is there. */
    look: number
    /** To send so many records and read them back; null: it sends none. */
    callsFor: ((records: number) => number) | null
  }[]
}

/**
 * The least allowance with which each stream gets a look every day, and each that sends gets at least one record through, all by
 * what they have for themselves: what is lent in the evening is promised to nobody. Streams that have no part of their own live on
 * that, and count in the whole. Pure.
 */
export function leastCalls(needs: DayNeeds, allowance: Allowance): number {
  let [below, enough] = [0, MOST_CALLS]
  while (enough - below > 1) {
    const dailyCalls = Math.floor((below + enough) / 2)
    const rests = restsOf(needs, { ...allowance, dailyCalls })
    const isEnough = needs.streams.every((stream, i) => rests[i]! >= firstOf(needs, stream))
    if (isEnough) enough = dailyCalls
    else below = dailyCalls
  }
  return enough
}

/** Of each stream that sends: about how many records a day get through once it is prepared, if it alone has some. Pure. */
export function recordsADay(
  needs: DayNeeds,
  allowance: Allowance,
): { stream: string; records: number }[] {
  const rests = restsOf(needs, allowance)
  return needs.streams.flatMap(({ name, callsFor }, i) =>
    callsFor === null ? [] : [{ stream: name, records: mostWithin(rests[i]!, callsFor) }],
  )
}

/** Says that an allowance is too small, with the least that works; null: it is not. Pure. */
export function warningOf(needs: DayNeeds, allowance: Allowance): string | null {
  const least = leastCalls(needs, allowance)
  const { dailyCalls } = allowance
  if (dailyCalls >= least) return null
  const before =
    needs.account + needs.preparation + needs.streams.reduce((total, { look }) => total + look, 0)
  const rests = restsOf(needs, allowance)
  const through = recordsADay(needs, allowance).filter(
    ({ stream, records }) =>
      records > 0 &&
      rests[needs.streams.findIndex(({ name }) => name === stream)]! >= needs.preparation,
  )
  const now =
    through.length === 0
      ? 'no record'
      : through.map(({ stream, records }) => `about ${records} of ${stream}`).join(' or ')
  return (
    `${dailyCalls} calls a day are too few: ${before} are made before the first record is sent. ` +
    `Allow at least ${least}. ${dailyCalls} let ${now} through a day.`
  )
}

/** What each stream has left for records after all have looked; below 0 where not all can look. Pure. */
function restsOf({ account, streams }: DayNeeds, allowance: Allowance): number[] {
  const { live, streams: own, common } = sharesOf(allowance)
  const scheduled = allowance.dailyCalls - live
  // The first stream to make a call asks of the account.
  const looks = streams.map(({ look }, i) => look + (i === 0 ? account : 0))
  const sum = (isIn: (name: string) => boolean) =>
    looks.reduce((total, look, i) => (isIn(streams[i]!.name) ? total + look : total), 0)
  const rest = scheduled - sum(() => true)
  const hasShare = (name: string) =>
    allowance.streams.some((one) => one.name === name && one.callPercent !== null)
  const percents = allowance.streams.reduce((total, one) => total + (one.callPercent ?? 0), 0)
  const commonRest = percents >= 100 ? rest : common - sum((name) => !hasShare(name))
  return streams.map(({ name }, i) => {
    if (!hasShare(name)) return Math.min(rest, commonRest)
    const percent = allowance.streams.find((one) => one.name === name)?.callPercent
    return percent === 0 ? rest : Math.min(rest, (own.get(name) ?? 0) - looks[i]!)
  })
}

/** A stream that sends nothing needs its look alone. */
function firstOf({ preparation }: DayNeeds, { callsFor }: DayNeeds['streams'][number]): number {
  return callsFor === null ? 0 : preparation + callsFor(1)
}

/** The way of writing may change with the number, and take fewer calls for more: sizes are tried by doubling first. */
function mostWithin(calls: number, callsFor: (records: number) => number): number {
  let fits = 0
  for (let records = 1; records <= MOST_RECORDS; records *= 2) {
    if (callsFor(records) <= calls) fits = records
  }
  let over = fits * 2
  while (over - fits > 1) {
    const records = Math.floor((fits + over) / 2)
    if (callsFor(records) <= calls) fits = records
    else over = records
  }
  return fits
}
