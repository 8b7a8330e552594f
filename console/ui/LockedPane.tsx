import { IconLock } from '@tabler/icons-react'
import classes from './Pane.module.css'

/** Says that something exists and is kept from the person, by which scope, and who can change that. */
export function LockedPane({ what, scope }: { what: string; scope: string }) {
  return (
    <section className={classes.pane}>
      <IconLock className={classes.icon} size={22} stroke={1.7} aria-hidden />
      <h2 className={classes.title}>{what} is locked for you</h2>
      <p>
        Your roles do not include the scope <code>{scope}</code>. An administrator of this workspace
        can give you a role that does.
      </p>
    </section>
  )
}

/** The same for a part of a page. */
export function LockedNote({ what, scope }: { what: string; scope: string }) {
  return (
    <p className={classes.note}>
      <IconLock size={15} stroke={1.7} aria-hidden /> {what} is locked for you: it needs the scope{' '}
      <code>{scope}</code>. Ask an administrator of this workspace.
    </p>
  )
}
