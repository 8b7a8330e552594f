import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQueryErrorResetBoundary } from '@tanstack/react-query'
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { useEffect } from 'react'
import { ApiProblem } from '#console/api.ts'
import classes from './Pane.module.css'

/** What went wrong, the request it belongs to, and what to do next; in place of the page, the frame stays. */
export function ErrorPane({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const { reset: resetQueries } = useQueryErrorResetBoundary()
  useEffect(() => resetQueries(), [resetQueries])
  const retry = () => {
    reset()
    void router.invalidate()
  }
  return (
    <Problem error={error instanceof Error ? error : new Error(String(error))}>
      <Button size="sm" variant="default" onClick={retry}>
        Try again
      </Button>
    </Problem>
  )
}

/** The same within a page, where only a part of it failed. */
export function Problem({ error, children }: { error: Error; children?: React.ReactNode }) {
  const { title, detail, facts, errors } = explain(error)
  return (
    <section className={classes.pane} role="alert">
      <IconAlertTriangle className={classes.badIcon} size={22} stroke={1.7} aria-hidden />
      <h2 className={classes.title}>{title}</h2>
      <p>{detail}</p>
      {errors.length > 0 && (
        <ul className={classes.faults}>
          {errors.map(({ pointer, detail }) => (
            <li key={pointer}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      {facts.length > 0 && (
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {children}
    </section>
  )
}

function explain(error: Error) {
  if (!(error instanceof ApiProblem)) {
    return {
      title: 'This page failed',
      detail: `A fault of the console: ${error.message}. Reload the page; if it stays, report what it says here.`,
      facts: [],
      errors: [],
    }
  }
  const facts: [string, string][] = [['Cause', error.code]]
  if (error.status > 0) facts.push(['Status', String(error.status)])
  if (error.requestId !== null) facts.push(['Request id', error.requestId])
  return { title: error.title, detail: error.message, facts, errors: error.errors }
}
