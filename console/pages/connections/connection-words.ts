import { formatCounted } from '#console/format.ts'
import { DAY_MS } from '#core/time.ts'
import type {
  Approval,
  Connection,
  Disconnection,
  StreamRow,
} from '#console/pages/connections/connections.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const approvalStates: Readonly<Record<Approval['state'], { label: string; tone: Tone }>> = {
  proposed: { label: 'Waits for signatures', tone: 'warn' },
  approved: { label: 'Approved', tone: 'good' },
  refused: { label: 'Refused', tone: 'bad' },
}

export const disconnectionStates: Readonly<
  Record<Disconnection['state'], { label: string; tone: Tone }>
> = {
  waiting: { label: 'On its way', tone: 'busy' },
  by_hand: { label: 'Delete by hand', tone: 'bad' },
}

export const directions: Readonly<Record<StreamRow['direction'], string>> = {
  pull: 'In',
  push: 'Out',
  both: 'Both ways',
}

export const readBacks: readonly { value: Connection['readBack']; label: string }[] = [
  { value: 'full', label: 'All: a certificate for every record' },
  { value: 'sample', label: 'A sample: one record in twenty, at least a hundred' },
  { value: 'off', label: 'Nothing: what arrived is not proved' },
]

export const priorities: readonly { value: StreamRow['callPriority']; label: string }[] = [
  { value: 'high', label: 'High: from 18:00 of the calls’ day on' },
  { value: 'normal', label: 'Normal: from 20:00 of the calls’ day on' },
  { value: 'low', label: 'Low: from 22:00 of the calls’ day on' },
]

/** Days before the end of credentials from which on the page warns. */
const WARN_DAYS = 30

/** What to say of credentials that end; null while there is time, or no end. */
export function expiryOf(
  { credentialsEndOn }: Pick<Connection, 'credentialsEndOn'>,
  nowMs: number,
): { label: string; tone: Tone } | null {
  if (credentialsEndOn === null) return null
  const days = Math.floor(Date.parse(credentialsEndOn) / DAY_MS) - Math.floor(nowMs / DAY_MS)
  if (days > WARN_DAYS) return null
  if (days < 0) return { label: 'Credentials have ended', tone: 'bad' }
  if (days === 0) return { label: 'Credentials end today', tone: 'bad' }
  const label = `Credentials end in ${formatCounted(days, 'days')}`
  return { label, tone: days <= 7 ? 'bad' : 'warn' }
}
