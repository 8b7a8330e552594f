import { z } from 'zod'

export const NewOwnKey = z.object({
  name: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: 'What the key is for', example: 'My spreadsheet' }),
  scopes: z
    .array(z.string().max(60))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .meta({ description: 'What it may do; null for all that its person may and a key can have' }),
  expiresInDays: z.int().min(1).max(365).default(90),
})
