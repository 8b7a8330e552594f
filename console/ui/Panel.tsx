import { useId, type ReactNode } from 'react'
import classes from './Panel.module.css'

/** A part of a page with a heading of its own. */
export function Panel({
  title,
  hint,
  actions,
  children,
  flush = false,
}: {
  title: string
  hint?: ReactNode
  actions?: ReactNode
  children: ReactNode
  /** Without padding, for tables and lists that go to the edge. */
  flush?: boolean
}) {
  const id = useId()
  return (
    <section aria-labelledby={id} className={classes.panel}>
      <div className={classes.head}>
        <div>
          <h2 id={id} className={classes.title}>
            {title}
          </h2>
          {hint !== undefined && <p className={classes.hint}>{hint}</p>}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </div>
      <div className={flush ? classes.flush : classes.body}>{children}</div>
    </section>
  )
}
