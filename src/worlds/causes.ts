/** The channels of every simulated company. */
export const channelKeys = [
  'paid_search',
  'brand_search',
  'paid_social',
  'display',
  'retargeting',
  'email',
  'webinar',
  'event',
  'direct',
] as const
export type ChannelKey = (typeof channelKeys)[number]

/** What a channel is to the simulator: how its touches come about, and what they truly do. */
export interface ChannelCause {
  key: ChannelKey
  label: string
  /** Harvest channels meet people who would buy anyway: many touches before a deal, little effect. */
  isHarvest: boolean
  /** The most that the channel adds to the hazard of a deal, as a multiple of the baseline. */
  effect: number
  /** How much adstock gives half of `effect`: adstock ÷ (adstock + halfSaturation). */
  halfSaturation: number
  /** Weeks in which the adstock of a touch halves. */
  halfLifeWeeks: number
  /** How strongly latent intent draws touches: the rate is multiplied by e^(pull · intent ⁄ 2). */
  intentPull: 0 | 1 | 2 | 3
  /** What must have happened to the person before: a recent visit, awareness (only adds), or consent. */
  needs: 'nothing' | 'visit' | 'awareness' | 'consent'
  /** The chance that a click ends in a form, at no intent. */
  formProbability: number
}

export const channelCauses: readonly ChannelCause[] = [
  {
    key: 'paid_search',
    label: 'Paid search',
    isHarvest: false,
    effect: 3,
    halfSaturation: 1.5,
    halfLifeWeeks: 2,
    intentPull: 1,
    needs: 'nothing',
    formProbability: 0.08,
  },
  {
    key: 'brand_search',
    label: 'Brand search',
    isHarvest: true,
    effect: 0.4,
    halfSaturation: 1.5,
    halfLifeWeeks: 1,
    intentPull: 3,
    needs: 'awareness',
    formProbability: 0.1,
  },
  {
    key: 'paid_social',
    label: 'Paid social',
    isHarvest: false,
    effect: 2.5,
    halfSaturation: 2,
    halfLifeWeeks: 4,
    intentPull: 0,
    needs: 'nothing',
    formProbability: 0.05,
  },
  {
    key: 'display',
    label: 'Display',
    isHarvest: false,
    effect: 1.2,
    halfSaturation: 2,
    halfLifeWeeks: 3,
    intentPull: 0,
    needs: 'nothing',
    formProbability: 0.01,
  },
  {
    key: 'retargeting',
    label: 'Retargeting',
    isHarvest: true,
    effect: 0.3,
    halfSaturation: 2,
    halfLifeWeeks: 1,
    intentPull: 2,
    needs: 'visit',
    formProbability: 0.03,
  },
  {
    key: 'email',
    label: 'E-mail',
    isHarvest: false,
    effect: 1,
    halfSaturation: 2,
    halfLifeWeeks: 2,
    intentPull: 1,
    needs: 'consent',
    formProbability: 0.02,
  },
  {
    key: 'webinar',
    label: 'Webinar',
    isHarvest: false,
    effect: 5,
    halfSaturation: 1,
    halfLifeWeeks: 4,
    intentPull: 1,
    needs: 'nothing',
    formProbability: 1,
  },
  {
    key: 'event',
    label: 'Event',
    isHarvest: false,
    effect: 8,
    halfSaturation: 1,
    halfLifeWeeks: 6,
    intentPull: 0,
    needs: 'nothing',
    formProbability: 0.3,
  },
  {
    key: 'direct',
    label: 'Direct',
    isHarvest: true,
    effect: 0,
    halfSaturation: 1,
    halfLifeWeeks: 1,
    intentPull: 3,
    needs: 'awareness',
    formProbability: 0.04,
  },
]

/** How often a person comes by itself, in touches a week at no intent. */
export const DIRECT_WEEKLY_RATE = 0.016

/** How strongly intent drives the hazard of a deal: e^(1.2 · intent). */
export const INTENT_EFFECT = 1.2
