import { Button, Divider, PasswordInput, TextInput } from '@mantine/core'
import { IconFingerprint } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { z } from 'zod'
import { act, ApiProblem, read } from '#console/api.ts'
import { passkeyHint, signInByPasskey } from '#console/webauthn.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import classes from './Door.module.css'

const Methods = z.object({
  password: z.boolean(),
  passkey: z.boolean(),
  oidc: z.string().nullable(),
})
const Next = z.object({
  next: z.enum(['second_factor', 'passkey']),
  challenge: z.string().optional(),
})

/** Where somebody wanted to go before they had to sign in; only a path of our own. */
export function wantedPath(): string {
  const next = new URLSearchParams(window.location.search).get('next') ?? '/'
  return /^\/(?![/\\])/.test(next) ? next : '/'
}

/** What the hub refused, in its words. */
export const faultOf = (error: unknown): string =>
  error instanceof ApiProblem
    ? error.message
    : error instanceof Error && error.name === 'NotAllowedError'
      ? 'No passkey was chosen.'
      : 'It did not work. Try again.'

/** Password, then the second factor where there is one; or a passkey; or the company's own sign-in. */
export function SignInForm() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [challenge, setChallenge] = useState<string | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const methods = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => read(Methods, '/api/v1/session/methods', {}, signal),
  })
  const run = (work: () => Promise<boolean>) => {
    setBusy(true)
    setFault(null)
    work()
      .then(async (isIn) => {
        if (!isIn) return
        queryClient.clear()
        await navigate({ href: wantedPath(), replace: true })
      })
      .catch((error: unknown) => setFault(faultOf(error)))
      .finally(() => setBusy(false))
  }
  const passkey = () =>
    run(async () => {
      await signInByPasskey()
      return true
    })
  const hint = passkeyHint()
  return (
    <div className={classes.how}>
      {fault !== null && <p role="alert">{fault}</p>}
      {challenge === null ? (
        <PasswordForm
          isBusy={isBusy}
          onSend={(email, password) =>
            run(async () => {
              const answer = await act('POST', '/api/v1/session/password', { email, password })
              const next = Next.nullable().parse(answer)
              if (next === null) return true
              if (next.next === 'passkey') {
                await signInByPasskey()
                return true
              }
              setChallenge(next.challenge ?? null)
              return false
            })
          }
        />
      ) : (
        <SecondFactorForm
          isBusy={isBusy}
          onSend={(factor) =>
            run(async () => {
              await act('POST', '/api/v1/session/second-factor', { challenge, ...factor })
              return true
            })
          }
        />
      )}
      <Divider label="or" />
      <Button
        variant="default"
        leftSection={<IconFingerprint size={16} aria-hidden />}
        onClick={passkey}
        disabled={isBusy || hint !== null}
      >
        Sign in with a passkey
      </Button>
      {hint !== null && <p>{hint}</p>}
      <NotRead what="Whether there is a company sign-in" error={methods.error} />
      {methods.data?.oidc != null && (
        <Button variant="default" component="a" href="/api/v1/session/oidc">
          Sign in with {methods.data.oidc}
        </Button>
      )}
    </div>
  )
}

function PasswordForm({
  isBusy,
  onSend,
}: {
  isBusy: boolean
  onSend: (email: string, password: string) => void
}) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  return (
    <form
      className={classes.how}
      onSubmit={(event) => {
        event.preventDefault()
        onSend(email, password)
      }}
    >
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="username"
        required
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <Button type="submit" loading={isBusy}>
        Sign in
      </Button>
    </form>
  )
}

function SecondFactorForm({
  isBusy,
  onSend,
}: {
  isBusy: boolean
  onSend: (factor: { code: string } | { recoveryCode: string }) => void
}) {
  const [isRecovery, setRecovery] = useState(false)
  const [text, setText] = useState('')
  return (
    <form
      className={classes.how}
      onSubmit={(event) => {
        event.preventDefault()
        onSend(isRecovery ? { recoveryCode: text } : { code: text.replaceAll(' ', '') })
      }}
    >
      <TextInput
        key={isRecovery ? 'recovery' : 'code'}
        label={isRecovery ? 'Recovery code' : 'Code from your authenticator app'}
        autoComplete="one-time-code"
        inputMode={isRecovery ? 'text' : 'numeric'}
        required
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" loading={isBusy}>
        Go on
      </Button>
      <Button
        variant="subtle"
        onClick={() => {
          setRecovery(!isRecovery)
          setText('')
        }}
      >
        {isRecovery ? 'Use the authenticator app' : 'Use a recovery code'}
      </Button>
    </form>
  )
}
