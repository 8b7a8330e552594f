import type { HubClient } from '#demo/hub-client.ts'
import type { WorldTouch } from '#worlds/touches.ts'
import type { World } from '#worlds/world.ts'

/** Tells how far a step has come. */
export type Progress = (step: string, done: number, total: number) => void

/** Campaigns, owners and routing of the world's company, through the API. */
export async function loadSetup(hub: HubClient, world: World): Promise<void> {
  const campaigns = world.campaigns.map((campaign) => ({
    key: campaign.key,
    name: campaign.name,
    channel: campaign.channel,
    status: 'active',
    startsOn: dateOf(campaign.startsAt),
    endsOn: dateOf(new Date(world.endAt.getTime() - 1)),
    budgetMinor: campaign.budgetMinor,
    currency: campaign.currency,
  }))
  await hub.postAll('/api/v1/campaigns', 'campaigns', campaigns, 100, () => {})
  const byTerritory = new Map<string, string[]>()
  for (const owner of world.owners) {
    const { id } = await hub.post<{ id: string }>('/api/v1/owners', {
      name: `${owner.firstName} ${owner.lastName}`,
      email: owner.email,
    })
    byTerritory.set(owner.territory, [...(byTerritory.get(owner.territory) ?? []), id])
  }
  const countries = new Map<string, Set<string>>()
  for (const company of world.companies) {
    countries.set(
      company.territory,
      (countries.get(company.territory) ?? new Set()).add(company.country),
    )
  }
  const rules = world.territories.map(({ key, label }) => ({
    id: key.replaceAll('-', '_'),
    name: label,
    when: { countries: [...(countries.get(key) ?? [])] },
    ownerIds: byTerritory.get(key) ?? [],
    strategy: 'round_robin',
  }))
  const everyone = [...byTerritory.values()].flat()
  await hub.put('/api/v1/routing', {
    rules: rules.filter((rule) => rule.ownerIds.length > 0 && rule.when.countries.length > 0),
    fallback: { ownerIds: everyone, strategy: 'round_robin' },
  })
}

/** Every touch but the forms, in order of time: visits of browsers that nobody has a name for yet. */
export async function loadTouches(
  hub: HubClient,
  world: World,
  progress: Progress,
): Promise<number> {
  const forms = new Set(world.leads.flatMap((lead) => lead.touchIds))
  const anonymousIds = new Map(world.people.map((person) => [person.id, person.anonymousId]))
  const touchpoints = world.touches
    .filter((touch) => !forms.has(touch.id))
    .map((touch) => ({
      anonymousId: anonymousIds.get(touch.personId),
      kind: touch.kind,
      channel: touch.channel,
      occurredAt: touch.at.toISOString(),
      messageId: touch.id,
      ...sourceOf(touch),
    }))
  await hub.postAll('/api/v1/touchpoints', 'touchpoints', touchpoints, 1000, (done) =>
    progress('touches', done, touchpoints.length),
  )
  return touchpoints.length
}

/** Every form that was filled in, in order of time; the first one names the person behind the browser. */
export async function loadLeads(hub: HubClient, world: World, progress: Progress): Promise<number> {
  const people = new Map(world.people.map((person) => [person.id, person]))
  const companies = new Map(world.companies.map((company) => [company.id, company]))
  const touches = new Map(world.touches.map((touch) => [touch.id, touch]))
  const submissions = world.leads
    .flatMap((lead) => lead.touchIds.map((touchId) => ({ lead, touch: touches.get(touchId)! })))
    .sort((a, b) => a.touch.at.getTime() - b.touch.at.getTime())
    .map(({ lead, touch }) => {
      const person = people.get(lead.personId)!
      const company = companies.get(person.companyId)!
      return {
        email: person.email,
        anonymousId: person.anonymousId,
        submissionId: touch.id,
        source: 'website',
        firstName: person.firstName,
        lastName: person.lastName,
        jobTitle: person.jobTitle,
        company: company.name,
        companyDomain: company.domain,
        country: company.country,
        industry: company.industry,
        employees: company.employees,
        channel: touch.channel,
        capturedAt: touch.at.toISOString(),
        consents: [{ purpose: 'marketing', channel: 'email', status: lead.consent }],
        ...sourceOf(touch),
      }
    })
  await hub.postAll('/api/v1/integrations/sales/leads', 'leads', submissions, 250, (done) =>
    progress('leads', done, submissions.length),
  )
  return submissions.length
}

function sourceOf(touch: WorldTouch) {
  const utm = {
    ...(touch.utmSource === null ? {} : { source: touch.utmSource }),
    ...(touch.utmMedium === null ? {} : { medium: touch.utmMedium }),
    ...(touch.utmCampaign === null ? {} : { campaign: touch.utmCampaign }),
  }
  return {
    ...(Object.keys(utm).length === 0 ? {} : { utm }),
    ...(touch.clickId === null
      ? {}
      : { clickIds: { [touch.clickId.parameter]: touch.clickId.value } }),
  }
}

const dateOf = (at: Date) => at.toISOString().slice(0, 10)
