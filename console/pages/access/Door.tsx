import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { Mark } from '#console/ui/Mark.tsx'
import classes from './Door.module.css'

/** The page outside the frame: one card, one message. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  useDocumentTitle(`${title} · Throughline`)
  return (
    <main className={classes.door}>
      <section className={classes.card} aria-labelledby="door-title">
        <Mark />
        <h1 id="door-title" className={classes.title}>
          {title}
        </h1>
        {children}
      </section>
    </main>
  )
}

export function HowToGetALink() {
  return (
    <div className={classes.how}>
      <p>On the machine where the hub runs, print a new link and open it here:</p>
      <pre className={classes.command}>
        <code>npm run throughline -- keys sign-in</code>
      </pre>
      <p>
        The demo prints a link when it starts: <code>npm run demo</code>.
      </p>
    </div>
  )
}
