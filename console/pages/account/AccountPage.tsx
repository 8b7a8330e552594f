import { Button, Group, PasswordInput, Stack } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { act } from '#console/api.ts'
import { securityQuery, type AccountParts } from '#console/pages/account/account.queries.ts'
import { DevicesPanel } from '#console/pages/account/DevicesPanel.tsx'
import { KeysPanel } from '#console/pages/account/KeysPanel.tsx'
import { PasskeysPanel } from '#console/pages/account/PasskeysPanel.tsx'
import { SessionsPanel } from '#console/pages/account/SessionsPanel.tsx'
import { TotpPanel } from '#console/pages/account/TotpPanel.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useStepUp } from '#console/ui/StepUp.tsx'

/** How one signs in, and where one is signed in. */
export function AccountPage() {
  const { data } = useSuspenseQuery(securityQuery)
  const queryClient = useQueryClient()
  const { run, confirm, isBusy, dialog } = useStepUp()
  /** Does it, says so, and reads the page again. */
  const change = (work: () => Promise<unknown>, done: string) =>
    run(async () => {
      await work()
      notifications.show({ color: 'green', message: done })
      await queryClient.invalidateQueries({ queryKey: ['account'] })
    })
  const parts = { data, change, isBusy, run, confirm }
  return (
    <>
      <PageHead
        title="Your sign-in"
        subtitle={data.email === null ? data.name : `${data.name} · ${data.email}`}
      />
      <Stack gap="md">
        <PasswordPanel {...parts} />
        <TotpPanel {...parts} />
        <PasskeysPanel {...parts} />
        <KeysPanel {...parts} />
        <DevicesPanel {...parts} />
        <SessionsPanel {...parts} />
      </Stack>
      {dialog}
    </>
  )
}

function PasswordPanel({ data, change, isBusy }: AccountParts) {
  const [password, setPassword] = useState('')
  if (data.email === null)
    return (
      <Panel title="Password">
        <p>
          Sign-in by password needs an e-mail address, which this account does not have. Ask an
          administrator for an invitation.
        </p>
      </Panel>
    )
  return (
    <Panel
      title="Password"
      hint={`At least ${data.hasTotp ? 8 : 15} characters. A sentence that only you know does well. Your other sessions end.`}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change(
            () => act('PUT', '/api/v1/account/password', { password }),
            'Your password is set.',
          )
          setPassword('')
        }}
      >
        <Group align="flex-end">
          <PasswordInput
            label={data.hasPassword ? 'New password' : 'Password'}
            autoComplete="new-password"
            required
            w={320}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={isBusy}>
            {data.hasPassword ? 'Change password' : 'Set password'}
          </Button>
        </Group>
      </form>
    </Panel>
  )
}
