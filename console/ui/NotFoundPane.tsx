import { Button } from '@mantine/core'
import { IconMapQuestion } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import classes from './Pane.module.css'

/** For an address that is no page. */
export function NotFoundPane() {
  const navigate = useNavigate()
  return (
    <section className={classes.pane}>
      <IconMapQuestion className={classes.icon} size={22} stroke={1.7} aria-hidden />
      <h1 className={classes.title}>There is no such page</h1>
      <p>The address may be of an older version, or cut off where it was copied.</p>
      <Button size="sm" variant="default" onClick={() => void navigate({ to: '/' })}>
        Go to Home
      </Button>
    </section>
  )
}
