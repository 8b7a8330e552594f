import { CurrencyCode } from '#core/money.ts'
import type { InputFault } from '#core/problem.ts'
import { CalendarDate } from '#core/time.ts'
import {
  CampaignStatus,
  ChannelKey,
  NewCampaign,
  type Campaign,
  type CampaignChange,
} from '#domains/marketing/campaign.schema.ts'
import { slugOf } from '#people/channel.rules.ts'
import type { EntityWrite } from '#sync/entity.ts'

/** The campaign with the changes that were given. */
export function changed(campaign: Campaign, change: CampaignChange): Campaign {
  const given = Object.entries(change).filter(
    ([name, value]) => name !== 'campaignId' && value !== undefined,
  )
  return { ...campaign, ...(Object.fromEntries(given) as Partial<Campaign>) }
}

/** `paid_search` is shown as `Paid search` until somebody names it otherwise. */
export function labelOf(channel: string): string {
  const words = channel.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

interface Plan {
  startsOn: string | null
  endsOn: string | null
  budgetMinor: number | null
  currency: string | null
}

/** What is wrong with a campaign's dates and budget taken together. */
export function planFaults(plan: Plan): InputFault[] {
  const faults: InputFault[] = []
  if (plan.startsOn !== null && plan.endsOn !== null && plan.endsOn < plan.startsOn) {
    faults.push({ pointer: '/endsOn', detail: 'A campaign ends on or after its first day.' })
  }
  if ((plan.budgetMinor === null) !== (plan.currency === null)) {
    const pointer = plan.currency === null ? '/currency' : '/budgetMinor'
    faults.push({ pointer, detail: 'A budget is an amount and a currency: give both or neither.' })
  }
  return faults
}

/**
 * A campaign after what a CRM says of it. What the write leaves out stays, and so does what breaks a rule here: a last day before
 * the first, a budget without its currency.
 * @param made  the id and key of one that is new here.
 */
export function syncedCampaign(
  before: Campaign | null,
  { values, externalId }: EntityWrite,
  made: Pick<Campaign, 'id' | 'key'>,
  now: Date,
): Campaign {
  const held: Campaign = before ?? {
    ...made,
    name: externalId,
    channel: 'unknown',
    status: 'planned',
    startsOn: null,
    endsOn: null,
    budgetMinor: null,
    currency: null,
    version: 0,
    createdAt: now,
    updatedAt: now,
  }
  const name = typeof values['name'] === 'string' ? values['name'].trim().slice(0, 200) : ''
  const day = (field: 'startsOn' | 'endsOn') => {
    if (values[field] === undefined) return held[field]
    return CalendarDate.nullable().safeParse(values[field]).data ?? null
  }
  const startsOn = day('startsOn')
  const endsOn = day('endsOn')
  return {
    ...held,
    name: name === '' ? held.name : name,
    channel: ChannelKey.safeParse(values['channel']).data ?? held.channel,
    status: CampaignStatus.safeParse(values['status']).data ?? held.status,
    startsOn,
    endsOn: startsOn !== null && endsOn !== null && endsOn < startsOn ? null : endsOn,
    ...budgetAfter(held, values),
    version: held.version + 1,
    updatedAt: now,
  }
}

/** A budget and its currency go together. */
function budgetAfter(
  held: Campaign,
  values: EntityWrite['values'],
): Pick<Campaign, 'budgetMinor' | 'currency'> {
  const given = values['budgetMinor'] === undefined ? held.budgetMinor : values['budgetMinor']
  const code = values['currency'] === undefined ? held.currency : values['currency']
  const currency = CurrencyCode.safeParse(code).data ?? held.currency
  const isAmount = typeof given === 'number' && Number.isSafeInteger(given) && given >= 0
  return isAmount && currency !== null
    ? { budgetMinor: given, currency }
    : { budgetMinor: null, currency: null }
}

/** A key for each campaign that comes from a CRM: its own, else by its name; `spring_fair_2` where `spring_fair` is taken. */
export function keysFor(
  writes: readonly Pick<EntityWrite, 'values' | 'externalId'>[],
  taken: ReadonlySet<string>,
): string[] {
  const used = new Set(taken)
  return writes.map(({ values, externalId }) => {
    const stem = ownKey(values) ?? (nameKey(values) || externalId.toLowerCase())
    let key = stem
    for (let n = 2; used.has(key); n += 1) key = `${stem}_${n}`
    used.add(key)
    return key
  })
}

function ownKey({ key }: EntityWrite['values']): string | null {
  return NewCampaign.shape.key.safeParse(key).data ?? null
}

function nameKey({ name }: EntityWrite['values']): string {
  return typeof name === 'string' ? slugOf(name) : ''
}
