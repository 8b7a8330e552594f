import { Button, Group, Loader } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { z } from 'zod'
import { OAuthRequest } from '#access/oauth/client.schema.ts'
import { act, ApiProblem, read } from '#console/api.ts'
import { Door } from '#console/pages/access/Door.tsx'
import { faultOf, SignInForm } from '#console/pages/access/SignInForm.tsx'
import classes from './Door.module.css'

const Decided = z.object({ continueAt: z.string() })

/** An application asks to act for the person: who it is, what for, and where the browser goes afterwards. */
export function ConsentPage({ uid }: { uid: string }) {
  const [fault, setFault] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const path = `/api/v1/oauth/requests/${encodeURIComponent(uid)}`
  const { data, error } = useQuery({
    queryKey: ['oauth-request', uid],
    queryFn: ({ signal }) => read(OAuthRequest, path, {}, signal),
    retry: false,
  })
  const decide = (decision: 'allow' | 'deny') => {
    setBusy(true)
    act('POST', path, { decision })
      .then((answer) => window.location.assign(Decided.parse(answer).continueAt))
      .catch((thrown: unknown) => {
        setFault(faultOf(thrown))
        setBusy(false)
      })
  }
  if (error instanceof ApiProblem && error.status === 401)
    return (
      <Door title="Sign in to answer">
        <p>An application asks to act for you.</p>
        <SignInForm />
      </Door>
    )
  if (error)
    return (
      <Door title="This request has ended">
        <p role="alert">{faultOf(error)}</p>
      </Door>
    )
  if (!data)
    return (
      <Door title="One moment">
        <Loader size="sm" aria-label="Reading the request" />
      </Door>
    )
  const granted = data.scopes.filter((scope) => scope.granted)
  const withheld = data.scopes.filter((scope) => !scope.granted)
  return (
    <Door title={`Let ${data.client.name} act for you?`}>
      <p>
        In the workspace <strong>{data.workspace}</strong> it could:
      </p>
      <ul>
        {granted.map((scope) => (
          <li key={scope.name}>{scope.about}</li>
        ))}
      </ul>
      {withheld.length > 0 && (
        <p>
          It also asks for what you may not do yourself, and will not get it:{' '}
          {withheld.map((scope) => scope.about).join('; ')}.
        </p>
      )}
      <p>
        Afterwards your browser goes to <strong>{data.client.redirectHost}</strong>.
      </p>
      {fault !== null && <p role="alert">{fault}</p>}
      <Group className={classes.how}>
        <Button onClick={() => decide('allow')} loading={isBusy} disabled={granted.length === 0}>
          Allow
        </Button>
        <Button variant="default" onClick={() => decide('deny')} disabled={isBusy}>
          Do not allow
        </Button>
      </Group>
    </Door>
  )
}
