import type { InputFault } from '#core/problem.ts'
import type { Campaign, CampaignChange } from '#domains/marketing/campaign.schema.ts'

/** The campaign with the changes that were given. */
export function changed(campaign: Campaign, change: CampaignChange): Campaign {
  const given = Object.entries(change).filter(
    ([name, value]) => name !== 'campaignId' && value !== undefined,
  )
  return { ...campaign, ...(Object.fromEntries(given) as Partial<Campaign>) }
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
