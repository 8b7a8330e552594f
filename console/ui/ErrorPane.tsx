import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQueryClient, useQueryErrorResetBoundary } from '@tanstack/react-query'
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { useEffect } from 'react'
import { ApiProblem, asksForProof } from '#console/api.ts'
import { useStepUp } from '#console/ui/StepUp.tsx'
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
    <Problem error={error instanceof Error ? error : new Error(String(error))} isPage again={retry}>
      <Button size="sm" variant="default" onClick={retry}>
        Try again
      </Button>
    </Problem>
  )
}

/**
 * The same within a page, where only a part of it failed: what may pass is asked for again on the spot.
 * @param isPage  it stands in place of the whole page, so that its title is the page's.
 * @param again  asks for it anew, once the person has proved to be there; without, what failed on the page is.
 */
export function Problem({
  error,
  isPage = false,
  again,
  children,
}: {
  error: Error
  isPage?: boolean
  again?: () => void
  children?: React.ReactNode
}) {
  const { title, detail, facts, errors } = explain(error)
  const Title = isPage ? 'h1' : 'h2'
  return (
    <section className={classes.pane} data-part={isPage ? undefined : true} role="alert">
      <IconAlertTriangle className={classes.badIcon} size={22} stroke={1.7} aria-hidden />
      <Title className={classes.title}>{title}</Title>
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
      {asksForProof(error) ? (
        <Prove error={error} again={again} />
      ) : (
        (children ?? (mayPass(error) && <AskAgain />))
      )}
    </section>
  )
}

/** Beside what is there: a part that could not be read, such as names for ids. Nothing where there is no error. */
export function NotRead({ what, error }: { what: string; error: Error | null }) {
  if (error === null) return null
  return (
    <p className={classes.note} role="alert">
      <IconAlertTriangle size={15} stroke={1.7} aria-hidden /> {what} could not be read:{' '}
      {error.message} {mayPass(error) && <AskAgain size="compact-xs" />}
    </p>
  )
}

function AskAgain({ size = 'sm' }: { size?: 'sm' | 'compact-xs' }) {
  const retry = useRefetchFailed()
  return (
    <Button size={size} variant="default" onClick={() => void retry()}>
      Try again
    </Button>
  )
}

/** Asks again for what failed on the page. */
function useRefetchFailed(): () => Promise<void> {
  const client = useQueryClient()
  return () =>
    client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' })
}

/** What was refused is asked for again, once the person has proved to be there. */
function Prove({ error, again }: { error: ApiProblem; again?: (() => void) | undefined }) {
  const refetch = useRefetchFailed()
  const { confirm, dialog } = useStepUp()
  const secondFactor = error.code === 'auth.second_factor_required' ? error.message : null
  return (
    <>
      <Button
        size="sm"
        variant="default"
        onClick={() => confirm(secondFactor, async () => (again ? again() : refetch()))}
      >
        Confirm that it is you…
      </Button>
      {dialog}
    </>
  )
}

/** No answer, too many requests, or a fault of the hub: the same call may go through later. */
function mayPass(error: Error): boolean {
  return (
    error instanceof ApiProblem &&
    (error.status === 0 || error.status === 429 || error.status >= 500)
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
