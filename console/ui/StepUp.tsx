import { Button, Group, Modal, PasswordInput, Stack, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { act, ApiProblem } from '#console/api.ts'
import { readStepUpNeeds, stepUpByPasskey, type StepUpNeeds } from '#console/webauthn.ts'

/** A dangerous act on its way: done at once when the sign-in is fresh, else after the person has confirmed who they are. */
export function useStepUp(): {
  run: (work: () => Promise<void>) => void
  isBusy: boolean
  dialog: React.ReactNode
} {
  const [pending, setPending] = useState<(() => Promise<void>) | null>(null)
  const [needs, setNeeds] = useState<StepUpNeeds | null>(null)
  const [isBusy, setBusy] = useState(false)
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true)
    try {
      await work()
    } catch (error) {
      if (error instanceof ApiProblem && error.code === 'auth.step_up_required') {
        setNeeds(await readStepUpNeeds())
        setPending(() => work)
        return
      }
      notifications.show({
        color: 'red',
        autoClose: false,
        title: error instanceof ApiProblem ? error.title : 'It did not work',
        message: error instanceof Error ? error.message : 'Try again.',
      })
    } finally {
      setBusy(false)
    }
  }
  const dialog = (
    <StepUpDialog
      needs={pending === null ? null : needs}
      onClose={() => setPending(null)}
      onDone={() => {
        const work = pending
        setPending(null)
        if (work) void attempt(work)
      }}
    />
  )
  return { run: (work) => void attempt(work), isBusy, dialog }
}

function StepUpDialog({
  needs,
  onClose,
  onDone,
}: {
  needs: StepUpNeeds | null
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
  const passkey = needs?.passkey ?? null
  const canType = needs !== null && (needs.password || needs.code)
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
          {!canType && passkey === null && (
            <p>
              You have no password or passkey yet, and your sign-in by link is too long ago. Sign
              out and come in by a new link.
            </p>
          )}
          {needs?.password && (
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              data-autofocus
            />
          )}
          {needs?.code && (
            <TextInput
              label="Code from your authenticator app"
              autoComplete="one-time-code"
              inputMode="numeric"
              required
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
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
