import type { CampaignPlan } from './campaigns.ts'
import type { ChannelKey } from './causes.ts'
import { momentOf } from './calendar.ts'
import type { WeekPosition } from './calendar.ts'
import type { DealRun } from './deals.ts'
import type { Exposure, Scene } from './exposure.ts'
import { ordinal } from './population.ts'
import { keyedUniform, mix } from '#core/random.ts'

export type TouchKind =
  | 'page_view'
  | 'form_submission'
  | 'email_click'
  | 'webinar_registered'
  | 'webinar_attended'
  | 'event_attended'

export interface WorldTouch {
  id: string
  personId: string
  channel: ChannelKey
  /** Null for a direct visit. */
  campaignKey: string | null
  kind: TouchKind
  at: Date
  utmSource: string | null
  utmMedium: string | null
  utmCampaign: string | null
  /** The advertising network's click id, by the name of its query parameter. */
  clickId: { parameter: 'gclid' | 'li_fat_id' | 'fbclid'; value: string } | null
}

/** A person who filled in a form, with each form it filled in. */
export interface WorldLead {
  id: string
  personId: string
  /** The first form. */
  capturedAt: Date
  /** Touches that were forms, oldest first. */
  touchIds: string[]
  /** Consent to marketing by e-mail, as ticked on each form. */
  consent: 'granted' | 'denied'
}

interface PlacedTouch {
  position: WeekPosition
  person: number
  isForm: boolean
  touch: WorldTouch
}

/**
 * Writes down the touches that took place, in order of time, and the leads they made. A company that
 * was won has no touch after the closing.
 * O(people · weeks · sources + touches · log touches).
 */
export function recordTouches(
  scene: Scene,
  plans: readonly CampaignPlan[],
  exposure: Exposure,
  runs: readonly DealRun[],
  startAtMs: number,
): { touches: WorldTouch[]; leads: WorldLead[] } {
  const placed = placeTouches(scene, plans, exposure, runs, startAtMs)
  placed.sort((a, b) => a.position - b.position || a.person - b.person)
  const leads = new Map<number, WorldLead>()
  placed.forEach(({ touch, person, isForm }, i) => {
    touch.id = `touch-${ordinal(i)}`
    if (!isForm) return
    const lead = leads.get(person)
    if (lead) lead.touchIds.push(touch.id)
    else {
      leads.set(person, {
        id: `lead-${ordinal(leads.size)}`,
        personId: touch.personId,
        capturedAt: touch.at,
        touchIds: [touch.id],
        consent: scene.population.hidden.agrees[person] === 1 ? 'granted' : 'denied',
      })
    }
  })
  return { touches: placed.map(({ touch }) => touch), leads: [...leads.values()] }
}

function placeTouches(
  scene: Scene,
  plans: readonly CampaignPlan[],
  exposure: Exposure,
  runs: readonly DealRun[],
  startAtMs: number,
): PlacedTouch[] {
  const { seed, weeks, population, sources } = scene
  const wonIn = new Float64Array(population.companies.length).fill(Infinity)
  for (const run of runs) wonIn[run.company] = run.wonIn
  const placed: PlacedTouch[] = []
  for (let cell = 0; cell < exposure.touches.length; cell++) {
    const count = exposure.touches[cell]!
    if (count === 0) continue
    const source = cell % sources.length
    const week = Math.floor(cell / sources.length) % weeks
    const person = Math.floor(cell / sources.length / weeks)
    for (let k = 0; k < count; k++) {
      const position = week + keyedUniform(seed, person, week, 2000 + source * 32 + k)
      if (position > wonIn[population.companyOfPerson[person]!]!) continue
      const isForm = k === 0 && exposure.forms[cell] === 1
      const { key } = scene.channels[sources[source]!.channel]!
      const bits = mix(seed, person, week, 4000 + source * 32 + k)
      const touch = describeTouch(
        population.people[person]!.id,
        key,
        plans[source],
        isForm,
        bits,
        momentOf(startAtMs, position),
      )
      placed.push({ position, person, isForm, touch })
    }
  }
  return placed
}

/** @param plan  absent for a direct visit. @param bits  32 random bits of this touch. */
function describeTouch(
  personId: string,
  channel: ChannelKey,
  plan: CampaignPlan | undefined,
  isForm: boolean,
  bits: number,
  at: Date,
): WorldTouch {
  const parameter = plan?.clickIdParameter ?? null
  return {
    id: '',
    personId,
    channel,
    campaignKey: plan?.key ?? null,
    kind: kindOf(channel, isForm, bits),
    at,
    utmSource: plan?.utmSource ?? null,
    utmMedium: plan?.utmMedium ?? null,
    utmCampaign: plan?.key ?? null,
    clickId: parameter && {
      parameter,
      value: `world-${bits.toString(36)}-${at.getTime().toString(36)}`,
    },
  }
}

function kindOf(channel: ChannelKey, isForm: boolean, bits: number): TouchKind {
  if (channel === 'event') return 'event_attended'
  if (channel === 'webinar') return bits % 10 < 6 ? 'webinar_attended' : 'webinar_registered'
  if (isForm) return 'form_submission'
  return channel === 'email' ? 'email_click' : 'page_view'
}
