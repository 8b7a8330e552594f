import type { Item } from '#console/pages/weekly/weekly.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const itemKinds: Readonly<Record<Item['kind'], { label: string; tone: Tone }>> = {
  change: { label: 'Figures moved', tone: 'info' },
  miss: { label: 'Fell short', tone: 'bad' },
  dispute: { label: 'In dispute', tone: 'warn' },
  decision: { label: 'To decide', tone: 'plain' },
}
