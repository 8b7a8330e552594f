import { Button, Group, Modal, PasswordInput, Stack, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { act, ApiProblem, asksForProof } from '#console/api.ts'
import { readStepUpNeeds, stepUpByPasskey, type StepUpNeeds } from '#console/webauthn.ts'

/** What waits for the person to prove themselves. */
interface Pending {
  work: () => Promise<void>
  needs: StepUpNeeds
  /** A password alone will not do, and what the hub said why. */
  secondFactor: string | null
}

export interface StepUp {
  run: (work: () => Promise<void>) => void
  /** Asks at once, by a second factor where it is said why, then does the work. */
  confirm: (secondFactor: string | null, work: () => Promise<void>) => void
  isBusy: boolean
  dialog: React.ReactNode
}

/** A dangerous act on its way: done at once when the sign-in is fresh, else after the person has confirmed who they are. */
export function useStepUp(): StepUp {
  const [pending, setPending] = useState<Pending | null>(null)
  const [isBusy, setBusy] = useState(false)
  const ask = async (work: () => Promise<void>, secondFactor: string | null) =>
    setPending({ work, secondFactor, needs: await readStepUpNeeds() })
  const tell = (error: unknown) =>
    notifications.show({
      color: 'red',
      autoClose: false,
      title: error instanceof ApiProblem ? error.title : 'It did not work',
      message: error instanceof Error ? error.message : 'Try again.',
    })
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true)
    try {
      await work()
    } catch (error) {
      if (asksForProof(error))
        await ask(work, error.code === 'auth.second_factor_required' ? error.message : null).catch(
          tell,
        )
      else tell(error)
    } finally {
      setBusy(false)
    }
  }
  const dialog = (
    <StepUpDialog
      pending={pending}
      onClose={() => setPending(null)}
      onDone={() => {
        setPending(null)
        if (pending) void attempt(pending.work)
      }}
    />
  )
  return {
    run: (work) => void attempt(work),
    confirm: (secondFactor, work) => void ask(work, secondFactor).catch(tell),
    isBusy,
    dialog,
  }
}

function StepUpDialog({
  pending,
  onClose,
  onDone,
}: {
  pending: Pending | null
  onClose: () => void
  onDone: () => void
}) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const confirm = (work: () => Promise<unknown>) => {
    setFault(null)
    work().then(
      () => {
        setPassword('')
        setCode('')
        onDone()
      },
      (error: unknown) =>
        setFault(error instanceof ApiProblem ? error.message : 'It did not work. Try again.'),
    )
  }
  const needs = pending?.needs ?? null
  const why = pending?.secondFactor ?? null
  const passkey = needs?.passkey ?? null
  const canType = needs !== null && (needs.code || (needs.password && why === null))
  return (
    <Modal
      opened={needs !== null}
      onClose={onClose}
      title="Confirm that it is you"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          confirm(() =>
            act('POST', '/api/v1/session/step-up', {
              ...(needs?.password ? { password } : {}),
              ...(needs?.code ? { code } : {}),
            }),
          )
        }}
      >
        <Stack gap="sm">
          {fault !== null && <p role="alert">{fault}</p>}
          {why !== null && <p>{why}</p>}
          {!canType && passkey === null && <Unable why={why} onLeave={onClose} />}
          {canType && needs.password && (
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              data-autofocus
            />
          )}
          {canType && needs.code && (
            <TextInput
              label="Code from your authenticator app"
              autoComplete="one-time-code"
              inputMode="numeric"
              required
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              {...(needs.password ? {} : { 'data-autofocus': true })}
            />
          )}
          <Group justify="flex-end" gap="xs">
            {passkey !== null && (
              <Button variant="default" onClick={() => confirm(() => stepUpByPasskey(passkey))}>
                Use a passkey
              </Button>
            )}
            {canType && <Button type="submit">Confirm</Button>}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Nothing to prove oneself with yet, and what to do about it. */
function Unable({ why, onLeave }: { why: string | null; onLeave: () => void }) {
  return why === null ? (
    <p>
      You have no password or passkey yet, and your sign-in by link is too long ago. Sign out and
      come in by a new link.
    </p>
  ) : (
    <p>
      You have no second factor yet: set up an authenticator app or a passkey at{' '}
      <Link to="/account" className="tl-link" onClick={onLeave}>
        your sign-in
      </Link>
      , then confirm this device.
    </p>
  )
}
