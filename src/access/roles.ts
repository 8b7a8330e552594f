/** Every scope there is, with what it lets its bearer do. Deny is the default: a route without one of these is not reachable. */
export const scopes = {
  'account:write': 'Manage one’s own sign-in: password, second factors, sessions',
  'users:read': 'See who may sign in, and their roles',
  'users:write': 'Invite people, change their roles, end their access',
  'keys:read': 'See API keys and OAuth clients (never their secrets)',
  'keys:write': 'Make, rotate and revoke API keys and OAuth clients',
  'audit:read': 'Read the audit log',
  'workspace:read': 'See the workspace and who is signed in',
  'access:read': 'See roles, grants, teams and access rules, and why somebody may see something',
  'access:write': 'Change roles, grants, teams and access rules',
  'marketing:approve': 'Sign integrations for marketing',
  'sales:approve': 'Sign integrations for sales',
  'product:approve': 'Sign integrations for product',
  'success:approve': 'Sign integrations for customer success',
  'finance:approve': 'Sign integrations for finance',
  'security:read': 'See signs of attacks, and what is held back because of them',
  'security:write':
    'Decide about signs of attacks, undo what is held back, and change what is done',
  'people:reveal': 'See personal values in clear; without it they are masked',
  'people:read': 'Read people, their identities and timelines',
  'people:write': 'Add and identify people',
  'consents:write': 'Record consent and its withdrawal',
  'touchpoints:read': 'Read touchpoints',
  'touchpoints:write': 'Record touchpoints and tracking events',
  'campaigns:read': 'Read campaigns and channels',
  'campaigns:write': 'Make and change campaigns',
  'imports:read': 'See imports and their rejected rows',
  'imports:write': 'Import files',
  'leads:read': 'Read leads, scores and routing',
  'leads:write': 'Send leads in, accept, reject and change them',
  'scoring:read': 'Read learned models, their back-tests and suggested weights',
  'scoring:write': 'Change the scoring model, override scores and train learned ones',
  'scoring:promote': 'Put a learned model into use or out of it; people only',
  'routing:write': 'Change routing rules',
  'owners:read': 'Read owners',
  'owners:write': 'Make and change owners',
  'tasks:read': 'Read follow-up tasks',
  'tasks:write': 'Close follow-up tasks',
  'opportunities:read': 'Read opportunities, pipelines and stages',
  'connections:read': 'See connected systems',
  'connections:write': 'Connect systems and change connections',
  'privacy:read': 'See requests of people about their data, and what is held of them',
  'privacy:write': 'Take requests of people about their data',
  'privacy:approve': 'Decide such requests; an erasure needs another person than who took it',
  'sync:read': 'See sync runs, outcomes and errors',
  'sync:write': 'Run, pause and retry sync',
  'webhooks:read': 'See webhook endpoints and their deliveries',
  'webhooks:write': 'Make, change and replay webhook endpoints',
  'conflicts:read': 'See both sides of sync conflicts and the history of fields',
  'conflicts:write': 'Decide sync conflicts and hand them to somebody',
  'attribution:read': 'Read attribution and the credit ledger',
  'attribution:write': 'Change attribution models and windows, and recompute',
  'claims:write': 'Note where leads and deals came from, and settle disputes',
  'reports:write': 'Make weekly reports and plans, comment, and keep the agenda',
  'performance:read': 'Read sales performance',
} as const

export type Scope = keyof typeof scopes

export const allScopes = Object.keys(scopes) as Scope[]

const reading = (...names: Scope[]) => names
const shared = reading(
  'workspace:read',
  'campaigns:read',
  'attribution:read',
  'performance:read',
  'opportunities:read',
)

/** Whoever signs an integration sees what it is. */
const signing = (scope: Scope) => reading('workspace:read', 'connections:read', scope)

/** What opens the door to everything else, or shows who did what. */
const adminOnly = new Set<Scope>([
  'account:write',
  'users:write',
  'keys:write',
  'audit:read',
  'security:read',
  'security:write',
  'access:write',
  'marketing:approve',
  'sales:approve',
  'product:approve',
  'success:approve',
  'finance:approve',
  'scoring:promote',
  'privacy:read',
  'privacy:write',
  'privacy:approve',
])

/** Roles by domain. Finance sees money and no people; nobody but admin touches keys. */
export const roles: Readonly<Record<string, { label: string; scopes: readonly Scope[] }>> = {
  admin: { label: 'Administrator', scopes: allScopes },
  marketing: {
    label: 'Marketing',
    scopes: [
      ...shared,
      'people:reveal',
      'people:read',
      'people:write',
      'consents:write',
      'touchpoints:read',
      'touchpoints:write',
      'campaigns:write',
      'imports:read',
      'imports:write',
      'leads:read',
      'leads:write',
      'claims:write',
      'reports:write',
      'scoring:read',
      'scoring:write',
      'scoring:promote',
      'owners:read',
      'sync:read',
    ],
  },
  sales: {
    label: 'Sales',
    scopes: [
      ...shared,
      'people:reveal',
      'people:read',
      'touchpoints:read',
      'leads:read',
      'leads:write',
      'claims:write',
      'reports:write',
      'scoring:read',
      'scoring:promote',
      'routing:write',
      'owners:read',
      'owners:write',
      'tasks:read',
      'tasks:write',
      'sync:read',
      'conflicts:read',
      'conflicts:write',
    ],
  },
  product: { label: 'Product', scopes: shared },
  success: {
    label: 'Customer success',
    scopes: [...shared, 'people:reveal', 'people:read', 'leads:read', 'tasks:read', 'owners:read'],
  },
  finance: { label: 'Finance', scopes: shared },
  integrator: {
    label: 'Integrator',
    scopes: allScopes.filter((scope) => !adminOnly.has(scope)),
  },
  viewer: { label: 'Viewer', scopes: shared },
  privacy: {
    label: 'Privacy officer',
    scopes: reading(
      'workspace:read',
      'people:read',
      'people:reveal',
      'consents:write',
      'privacy:read',
      'privacy:write',
      'privacy:approve',
      'audit:read',
    ),
  },
  'marketing-approver': { label: 'Signs for marketing', scopes: signing('marketing:approve') },
  'sales-approver': { label: 'Signs for sales', scopes: signing('sales:approve') },
  'product-approver': { label: 'Signs for product', scopes: signing('product:approve') },
  'success-approver': { label: 'Signs for success', scopes: signing('success:approve') },
  'finance-approver': { label: 'Signs for finance', scopes: signing('finance:approve') },
}

/** The scopes of these roles together; an unknown role gives none. */
export function scopesOf(names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => (Object.hasOwn(roles, name) ? roles[name]!.scopes : [])))
}
