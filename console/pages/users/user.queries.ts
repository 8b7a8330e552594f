import { queryOptions } from '@tanstack/react-query'
import { Role } from '#access/permissions/role.schema.ts'
import { User } from '#access/sign-in/user.schema.ts'
import { Page } from '#core/page.ts'
import { read } from '#console/api.ts'

const UserPage = Page(User)
const RolePage = Page(Role)

/** The newest 200 people; a workspace with more is read through the API. */
export const usersQuery = queryOptions({
  queryKey: ['users', 'list'],
  queryFn: ({ signal }) => read(UserPage, '/api/v1/users', { limit: 200 }, signal),
})

export const rolesQuery = queryOptions({
  queryKey: ['access', 'roles'],
  queryFn: async ({ signal }) =>
    (await read(RolePage, '/api/v1/access/roles', { limit: 200 }, signal)).data,
})
