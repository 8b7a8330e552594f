import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

const Email = z.string().trim().pipe(z.email().max(254)).meta({ personal: 'contact' })
const Name = z.string().trim().min(1).max(200).meta({ personal: 'name' })
const Capacity = z
  .int()
  .min(1)
  .max(10_000)
  .nullable()
  .meta({ description: 'Leads a day (UTC) over all routing rules; null: no limit.' })

/** Somebody who works leads: a salesperson or a queue. */
export const Owner = z.object({
  id: Id('own'),
  name: Name,
  email: Email.nullable(),
  active: z.boolean(),
  dailyCapacity: Capacity,
  absentFrom: Instant.nullable(),
  absentUntil: Instant.nullable().meta({
    description: 'The first moment back; null with a beginning: until further notice.',
  }),
  openLeads: z.int().meta({ description: 'Leads of theirs that are new or being worked.' }),
  createdAt: Instant,
  updatedAt: Instant,
})
export type Owner = z.infer<typeof Owner>

export const NewOwner = z.object({
  name: Name,
  email: Email.nullable().default(null),
  dailyCapacity: Capacity.default(null),
  absentFrom: Instant.nullable().default(null),
  absentUntil: Instant.nullable().default(null),
})
export type NewOwner = z.infer<typeof NewOwner>

export const OwnerChange = z.object({
  ownerId: Id('own'),
  name: Name.optional(),
  email: Email.nullable().optional(),
  active: z.boolean().optional(),
  dailyCapacity: Capacity.optional(),
  absentFrom: Instant.nullable().optional(),
  absentUntil: Instant.nullable().optional(),
})
export type OwnerChange = z.infer<typeof OwnerChange>

export const OwnerQuery = PageQuery.extend({ active: z.stringbool().optional() })
export const OwnerPage = Page(Owner)
