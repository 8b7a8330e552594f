import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, scopeMismatch } from './account.ts'
import type { Account, Caller } from './account.ts'
import { notFound } from './errors.ts'
import { renderUser } from './render.ts'
import type { User } from './state.ts'

/** v1 twins of v2 endpoints, out of support since August 2026; they answer as a missing scope does (recorded). */
const RETIRED = [
  'deals',
  'persons',
  'organizations',
  'products',
  'activities',
  'stages',
  'pipelines',
]

/** Pipedrive docs: API v1, users and currencies; and the paths that are no more. */
export function companyRoutes(account: Account): Route<Caller>[] {
  const on = (path: string, scope: string, act: (call: Call, caller: Caller) => Answer) => ({
    method: 'GET',
    path: `/v1/${path}`,
    target: (call: Call, caller: Caller) => {
      requireScope(caller, scope, 'users:full')
      return act(call, caller)
    },
  })
  const { users } = account.state
  const find = (id: number): User => {
    const user = users.get(id)
    if (!user) throw notFound()
    return user
  }
  return [
    on('users', 'users:read', (_call, caller) =>
      answer([...users.values()].map((user) => renderUser(account, user, caller))),
    ),
    on('users/me', 'base', (_call, caller) =>
      answer(renderMe(account, find(caller.userId), caller)),
    ),
    on('users/{id}', 'users:read', (call, caller) =>
      answer(renderUser(account, find(Number(call.params['id'])), caller)),
    ),
    on('currencies', 'base', () => answer(CURRENCIES)),
    ...RETIRED.flatMap((path) =>
      ['GET', 'POST'].map((method): Route<Caller> => ({
        method,
        path: `/v1/${path}`,
        target: () => {
          throw scopeMismatch()
        },
      })),
    ),
  ]
}

const answer = (data: unknown): Answer => ({ status: 200, body: { success: true, data } })

function renderMe(account: Account, user: User, caller: Caller) {
  const { companyId, companyName, companyDomain } = account.settings
  return {
    ...renderUser(account, user, caller),
    company_id: companyId,
    company_name: companyName,
    company_domain: companyDomain,
    company_country: 'EE',
    company_industry: 'other',
    language: { language_code: 'en', country_code: 'US' },
  }
}

const CURRENCIES = [
  ['EUR', 'Euro', 2, '€'],
  ['USD', 'US Dollar', 2, '$'],
  ['GBP', 'British Pound Sterling', 2, '£'],
  ['JPY', 'Japanese Yen', 0, '¥'],
].map(([code, name, decimals, symbol], i) => ({
  id: i + 1,
  code,
  name,
  decimal_points: decimals,
  symbol,
  active_flag: true,
  is_custom_flag: false,
}))
