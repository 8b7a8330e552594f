import {
  IconActivityHeartbeat,
  IconAddressBook,
  IconBell,
  IconChartDots,
  IconChartFunnel,
  IconFileImport,
  IconFlag3,
  IconFlask,
  IconGauge,
  IconGitCompare,
  IconHome,
  IconKey,
  IconListSearch,
  IconPlug,
  IconInbox,
  IconReportAnalytics,
  IconRoute,
  IconShieldLock,
  IconSpeakerphone,
  IconTargetArrow,
  IconUsers,
  IconWebhook,
  IconUsersGroup,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'

export interface RailItem {
  label: string
  to:
    | '/'
    | '/campaigns'
    | '/attribution'
    | '/scores'
    | '/pipeline'
    | '/reports/weekly'
    | '/reports/plans'
    | '/experiments'
    | '/connections'
    | '/leads'
    | '/people'
    | '/people/duplicates'
    | '/sync'
    | '/conflicts'
    | '/lineage'
    | '/alerts'
    | '/operations'
    | '/privacy'
    | '/users'
    | '/imports'
    | '/webhooks'
    | '/access'
    | '/audit'
  icon: ComponentType<{ size?: number; stroke?: number }>
  /** The keys that go there, one after the other. */
  keys: string
  /** Without any of these scopes the page has nothing to show; the item stays and says so. */
  scopes: readonly string[]
}

export interface RailGroup {
  /** Null for the group without a heading. */
  label: string | null
  items: readonly RailItem[]
}

/**
 * The pages that there are, in the groups of the console: Home · Revenue · Product · Customers · Money · Data · Build ·
 * Trust. A group appears with its first page; a new page is one line here and one route.
 */
export const rail: readonly RailGroup[] = [
  {
    label: null,
    items: [{ label: 'Home', to: '/', icon: IconHome, keys: 'g h', scopes: ['workspace:read'] }],
  },
  {
    label: 'Revenue',
    items: [
      {
        label: 'Campaigns',
        to: '/campaigns',
        icon: IconSpeakerphone,
        keys: 'g c',
        scopes: ['attribution:read'],
      },
      {
        label: 'Attribution',
        to: '/attribution',
        icon: IconChartDots,
        keys: 'g t',
        scopes: ['attribution:read'],
      },
      {
        label: 'Experiments',
        to: '/experiments',
        icon: IconFlask,
        keys: 'g y',
        scopes: ['attribution:read'],
      },
      {
        label: 'Learned scores',
        to: '/scores',
        icon: IconTargetArrow,
        keys: 'g l',
        scopes: ['scoring:read', 'leads:read'],
      },
      {
        label: 'Pipeline',
        to: '/pipeline',
        icon: IconChartFunnel,
        keys: 'g f',
        scopes: ['performance:read'],
      },
      { label: 'Leads', to: '/leads', icon: IconInbox, keys: 'g b', scopes: ['leads:read'] },
      {
        label: 'Weekly reports',
        to: '/reports/weekly',
        icon: IconReportAnalytics,
        keys: 'g r',
        scopes: ['performance:read'],
      },
      {
        label: 'Quarterly plans',
        to: '/reports/plans',
        icon: IconFlag3,
        keys: 'g q',
        scopes: ['performance:read'],
      },
    ],
  },
  {
    label: 'Customers',
    items: [
      {
        label: 'People',
        to: '/people',
        icon: IconAddressBook,
        keys: 'g e',
        scopes: ['people:read'],
      },
    ],
  },
  {
    label: 'Data',
    items: [
      {
        label: 'Connections',
        to: '/connections',
        icon: IconPlug,
        keys: 'g m',
        scopes: ['connections:read'],
      },
      {
        label: 'Sync health',
        to: '/sync',
        icon: IconActivityHeartbeat,
        keys: 'g s',
        scopes: ['sync:read'],
      },
      {
        label: 'Identity',
        to: '/people/duplicates',
        icon: IconUsersGroup,
        keys: 'g d',
        scopes: ['people:read'],
      },
      {
        label: 'Conflicts',
        to: '/conflicts',
        icon: IconGitCompare,
        keys: 'g x',
        scopes: ['conflicts:read'],
      },
      {
        label: 'Lineage',
        to: '/lineage',
        icon: IconRoute,
        keys: 'g n',
        scopes: ['lineage:read'],
      },
      {
        label: 'Imports',
        to: '/imports',
        icon: IconFileImport,
        keys: 'g i',
        scopes: ['imports:read'],
      },
      { label: 'Alerts', to: '/alerts', icon: IconBell, keys: 'g a', scopes: ['alerts:read'] },
      {
        label: 'Operations',
        to: '/operations',
        icon: IconGauge,
        keys: 'g o',
        scopes: ['levels:read', 'usage:read', 'security:read'],
      },
    ],
  },
  {
    label: 'Build',
    items: [
      {
        label: 'Webhooks',
        to: '/webhooks',
        icon: IconWebhook,
        keys: 'g w',
        scopes: ['webhooks:read'],
      },
    ],
  },
  {
    label: 'Trust',
    items: [
      {
        label: 'Privacy',
        to: '/privacy',
        icon: IconShieldLock,
        keys: 'g p',
        scopes: ['privacy:read', 'retention:read'],
      },
      { label: 'Users', to: '/users', icon: IconUsers, keys: 'g u', scopes: ['users:read'] },
      {
        label: 'Access',
        to: '/access',
        icon: IconKey,
        keys: 'g k',
        scopes: ['access:read', 'keys:read', 'users:read'],
      },
      {
        label: 'Audit',
        to: '/audit',
        icon: IconListSearch,
        keys: 'g v',
        scopes: ['audit:read'],
      },
    ],
  },
]
