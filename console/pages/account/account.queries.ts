import { queryOptions } from '@tanstack/react-query'
import { AccountSecurity } from '#access/sign-in/account.schema.ts'
import { read } from '#console/api.ts'
import type { StepUp } from '#console/ui/StepUp.tsx'

export const securityQuery = queryOptions({
  queryKey: ['account', 'security'],
  queryFn: ({ signal }) => read(AccountSecurity, '/api/v1/account/security', {}, signal),
})

/** What the parts of the page share: `change` does it, says so, and reads the page again. */
export interface AccountParts {
  data: AccountSecurity
  change: (work: () => Promise<unknown>, done: string) => void
  run: (work: () => Promise<void>) => void
  confirm: StepUp['confirm']
  isBusy: boolean
}
