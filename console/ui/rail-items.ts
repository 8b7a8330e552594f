import {
  IconActivityHeartbeat,
  IconBell,
  IconHome,
  IconSpeakerphone,
  IconUsers,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'

export interface RailItem {
  label: string
  to: '/' | '/campaigns' | '/sync' | '/alerts' | '/users'
  icon: ComponentType<{ size?: number; stroke?: number }>
  /** The keys that go there, one after the other. */
  keys: string
  /** Without this scope the page has nothing to show; the item stays and says so. */
  scope: string
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
    items: [{ label: 'Home', to: '/', icon: IconHome, keys: 'g h', scope: 'workspace:read' }],
  },
  {
    label: 'Revenue',
    items: [
      {
        label: 'Campaigns',
        to: '/campaigns',
        icon: IconSpeakerphone,
        keys: 'g c',
        scope: 'attribution:read',
      },
    ],
  },
  {
    label: 'Data',
    items: [
      {
        label: 'Sync health',
        to: '/sync',
        icon: IconActivityHeartbeat,
        keys: 'g s',
        scope: 'sync:read',
      },
      { label: 'Alerts', to: '/alerts', icon: IconBell, keys: 'g a', scope: 'alerts:read' },
    ],
  },
  {
    label: 'Trust',
    items: [{ label: 'Users', to: '/users', icon: IconUsers, keys: 'g u', scope: 'users:read' }],
  },
]
