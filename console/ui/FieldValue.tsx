import { IconEyeOff } from '@tabler/icons-react'
import classes from './Text.module.css'

/** What the hub answers in place of a personal value that the person's roles do not show. */
export const MASK = '•••'

export type ShownValue = string | number | boolean | null | readonly string[]

/** A value of a record; a masked one says so, and a blank one too. */
export function FieldValue({ value }: { value: ShownValue }) {
  if (value === MASK) {
    return (
      <span className={classes.soft} title="Masked: your roles lack the scope people:reveal">
        <IconEyeOff size={13} stroke={1.8} aria-hidden /> masked
      </span>
    )
  }
  if (value === null || value === '') return <span className={classes.soft}>(blank)</span>
  return <span>{Array.isArray(value) ? value.join(', ') : String(value)}</span>
}
