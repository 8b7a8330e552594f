import type { ReactNode } from 'react'
import classes from './Figures.module.css'

/** Figures side by side, as a list of terms. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className={classes.figures}>{children}</dl>
}

/** One figure with its name, its definition on hover, and what qualifies it. */
export function Figure({
  label,
  definition,
  children,
  more,
}: {
  label: string
  definition?: string
  children: ReactNode
  more?: ReactNode
}) {
  return (
    <div className={classes.figure}>
      <dt className={classes.label} title={definition}>
        {label}
      </dt>
      <dd className={classes.value}>{children}</dd>
      {more !== undefined && <dd className={classes.more}>{more}</dd>}
    </div>
  )
}
