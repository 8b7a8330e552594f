import type { ReactNode } from 'react'
import classes from './Text.module.css'

/** A part of a whole as a bar beside its figure; the bar only repeats it. */
export function Meter({
  share,
  mark,
  tone,
  children,
}: {
  /** In [0, 1]; what is beyond is cut off. */
  share: number
  /** Where a limit stands, in [0, 1]. */
  mark?: number
  tone?: 'soft' | 'warn' | 'bad' | undefined
  children: ReactNode
}) {
  const width = `${100 * Math.min(1, Math.max(0, share))}%`
  return (
    <span className={classes.bars}>
      <span className={classes.track} aria-hidden>
        <span className={classes.fill} data-tone={tone} style={{ width }} />
        {mark !== undefined && <span className={classes.mark} style={{ left: `${100 * mark}%` }} />}
      </span>
      <span>{children}</span>
    </span>
  )
}
