import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'

export const OpportunityStatus = z.enum(['open', 'won', 'lost'])
export type OpportunityStatus = z.infer<typeof OpportunityStatus>

/** A deal of a CRM; sync alone writes it, but for who its people are. */
export const Opportunity = z.object({
  id: Id('opp'),
  name: z.string().meta({ personal: 'custom' }),
  amountMinor: z
    .int()
    .nullable()
    .meta({ description: 'In minor units of the currency; null: the CRM has no amount.' }),
  currency: CurrencyCode,
  status: OpportunityStatus,
  pipelineId: Id('pip').nullable(),
  stageId: Id('stg').nullable(),
  ownerId: Id('own').nullable(),
  openedAt: Instant,
  closedAt: Instant.nullable(),
  closesOn: CalendarDate.nullable().meta({
    description:
      'The day on which it is expected to close, as the CRM has it; many put the day of the close here when it is closed',
  }),
  updatedAt: Instant,
  version: z.int(),
})
export type Opportunity = z.infer<typeof Opportunity>

export const OpportunityDetail = Opportunity.extend({
  stages: z
    .array(
      z.object({
        stageId: Id('stg'),
        label: z.string(),
        outcome: OpportunityStatus,
        enteredAt: Instant,
      }),
    )
    .meta({ description: 'The stages it went through, in the order of time.' }),
  expectedCloses: z.array(z.object({ closesOn: CalendarDate.nullable(), knownAt: Instant })).meta({
    description:
      'The days on which it was expected to close while it was open, in the order in which they were told.',
  }),
  people: z.array(
    z.object({
      personId: Id('per'),
      leadId: Id('lead').nullable(),
      role: z.string().nullable().meta({ description: 'In the CRM’s words' }),
      isPrimary: z.boolean(),
    }),
  ),
})

export const OpportunityPage = Page(Opportunity)

export const OpportunityQuery = PageQuery.extend({
  status: OpportunityStatus.optional(),
  ownerId: Id('own').optional(),
  pipelineId: Id('pip').optional(),
  stageId: Id('stg').optional(),
  personId: Id('per')
    .optional()
    .meta({ description: 'Only those that this person has to do with.' }),
  from: Instant.optional().meta({ description: 'Closed at or after' }),
  to: Instant.optional().meta({ description: 'Closed before' }),
})
export type OpportunityQuery = z.infer<typeof OpportunityQuery>

export const OpportunityPath = z.object({ opportunityId: Id('opp') })

/** All people of an opportunity, as they are to be from now on. */
export const OpportunityPeople = OpportunityPath.extend({
  people: z
    .array(
      z.object({
        leadId: Id('lead'),
        role: z.string().trim().min(1).max(100).nullable().default(null).meta({
          description: 'One that the CRM knows: it refuses others',
          example: 'Decision Maker',
        }),
        isPrimary: z.boolean().default(false),
      }),
    )
    .max(100),
})
