import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { formatCount } from '#console/format.ts'
import classes from './SelectionBar.module.css'

/** What can be done with all rows that are selected; stays in sight. */
export function SelectionBar({
  label,
  count,
  onClear,
  children,
}: {
  label: string
  count: number
  onClear: () => void
  /** The acts. */
  children: ReactNode
}) {
  return (
    <section className={classes.bar} aria-label={label}>
      <span aria-live="polite">{formatCount(count)} selected</span>
      {children}
      <Button size="xs" variant="subtle" color="gray" onClick={onClear}>
        Clear
      </Button>
    </section>
  )
}
