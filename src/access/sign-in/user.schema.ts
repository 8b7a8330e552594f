import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const User = z.object({
  id: Id('usr'),
  name: z.string().min(1).max(200).meta({ personal: 'name' }),
  email: z.email().max(254).nullable().meta({ personal: 'contact' }),
  roles: z.array(z.string().max(40)).max(20),
  active: z.boolean(),
  hasPassword: z.boolean(),
  hasSecondFactor: z.boolean().meta({ description: 'An authenticator app or a passkey' }),
  createdAt: Instant,
})
export type User = z.infer<typeof User>

export const InvitedUser = z.object({
  name: z.string().min(1).max(200),
  email: z.email().max(254),
  roles: z.array(z.string().max(40)).min(1).max(20),
})

/** The one answer that holds the link; it signs in once, within three days. */
export const Invitation = User.extend({ link: z.string() })

export const ChangeUser = z.object({
  userId: Id('usr'),
  roles: z.array(z.string().max(40)).min(1).max(20).optional(),
  active: z.boolean().optional(),
})
export const UserRef = z.object({ userId: Id('usr') })
export const ListUsers = PageQuery
