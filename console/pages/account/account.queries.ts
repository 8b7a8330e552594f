import { queryOptions } from '@tanstack/react-query'
import { AccountSecurity } from '#access/sign-in/account.schema.ts'
import { read } from '#console/api.ts'

export const securityQuery = queryOptions({
  queryKey: ['account', 'security'],
  queryFn: ({ signal }) => read(AccountSecurity, '/api/v1/account/security', {}, signal),
})
