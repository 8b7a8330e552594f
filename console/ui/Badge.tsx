import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconInfoCircle,
  IconRefresh,
  IconXboxX,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './Badge.module.css'

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'busy' | 'plain'

const icons = {
  good: IconCircleCheck,
  warn: IconAlertTriangle,
  bad: IconXboxX,
  info: IconInfoCircle,
  busy: IconRefresh,
  plain: IconCircleDashed,
}

/** A state: an icon and a word, in a colour that only repeats them. */
export function Badge({
  tone,
  children,
  title,
}: {
  tone: Tone
  children: ReactNode
  title?: string | undefined
}) {
  const Icon = icons[tone]
  return (
    <span className={classes.badge} data-tone={tone} title={title}>
      <Icon size={13} stroke={2} aria-hidden />
      <span>{children}</span>
    </span>
  )
}
