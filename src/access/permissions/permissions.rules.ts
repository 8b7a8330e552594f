/**
 * The pure heart of permissions: a tree org → domain → team → record, grants and denials at its nodes, and one rule. What holds
 * at a node holds for all below it; an explicit denial wins over everything; what nothing allows is denied.
 */

/** A right or a denial for a subject: a person, key or client by id, or `role:<name>`. */
export interface Grant {
  id: string
  subject: string
  effect: 'allow' | 'deny'
  /** `leads:read`, `leads:*`, `*:read` or `*`. */
  scope: string
  /** `org`, `domain:sales`, `team:emea` or `record:lead_…`. */
  node: string
}

/** Where something stands: the nodes above it and itself, from `org` down. A record may be in several teams. */
export type Path = readonly string[]

export type Decision =
  | { allowed: true; because: 'role' | 'grant'; grant: Grant | null }
  | { allowed: false; because: 'denial' | 'default'; grant: Grant | null }

export function coversScope(pattern: string, scope: string): boolean {
  if (pattern === '*' || pattern === scope) return true
  const [resource = '', action = ''] = pattern.split(':')
  const [ownResource = '', ownAction = ''] = scope.split(':')
  return (resource === '*' || resource === ownResource) && (action === '*' || action === ownAction)
}

/**
 * Decides for one scope at one place.
 *
 * @param grants  those of the subject and its roles; others must not be in it.
 * @param roleScopes  what the roles give at `org`.
 *
 * O(number of grants).
 */
export function decide(
  grants: readonly Grant[],
  roleScopes: ReadonlySet<string>,
  scope: string,
  path: Path,
): Decision {
  let allow: Grant | null = null
  for (const grant of grants) {
    if (!path.includes(grant.node) || !coversScope(grant.scope, scope)) continue
    if (grant.effect === 'deny') return { allowed: false, because: 'denial', grant }
    allow ??= grant
  }
  if (roleScopes.has(scope)) return { allowed: true, because: 'role', grant: null }
  if (allow) return { allowed: true, because: 'grant', grant: allow }
  return { allowed: false, because: 'default', grant: null }
}

export const domains = ['marketing', 'sales', 'product', 'success', 'finance', 'platform'] as const
export type Domain = (typeof domains)[number]

/** Which domain a resource belongs to; what is not named serves all domains. */
const domainOfResource: Readonly<Record<string, Domain>> = {
  people: 'marketing',
  consents: 'marketing',
  touchpoints: 'marketing',
  campaigns: 'marketing',
  attribution: 'marketing',
  marketing: 'marketing',
  leads: 'sales',
  scoring: 'sales',
  routing: 'sales',
  owners: 'sales',
  tasks: 'sales',
  opportunities: 'sales',
  performance: 'sales',
  sales: 'sales',
  product: 'product',
  success: 'success',
  finance: 'finance',
}

export function domainOf(scope: string): Domain {
  const resource = scope.split(':')[0] ?? ''
  return Object.hasOwn(domainOfResource, resource) ? domainOfResource[resource]! : 'platform'
}

/** The path of a scope's whole domain, or of one record in it. */
export function pathOf(scope: string, record?: { id: string; teams: readonly string[] }): string[] {
  const domain = ['org', `domain:${domainOf(scope)}`]
  if (!record) return domain
  return [...domain, ...record.teams.map((team) => `team:${team}`), `record:${record.id}`]
}
