import { Button, Group, Stack, TextInput } from '@mantine/core'
import newQrCode from 'qrcode-generator'
import { useMemo, useState } from 'react'
import { RecoveryCodes, TotpSetUp } from '#access/sign-in/account.schema.ts'
import { act } from '#console/api.ts'
import type { AccountParts } from '#console/pages/account/account.queries.ts'
import { Panel } from '#console/ui/Panel.tsx'

/** The authenticator app: set up by a QR code and a first code, removed only after a fresh sign-in. */
export function TotpPanel({ data, change, isBusy }: AccountParts) {
  const [setUp, setSetUp] = useState<{ secret: string; uri: string } | null>(null)
  const [codes, setCodes] = useState<string[] | null>(null)
  const [code, setCode] = useState('')
  const begin = () =>
    change(async () => {
      setSetUp(TotpSetUp.parse(await act('POST', '/api/v1/account/totp', {})))
    }, 'Scan the picture with your authenticator app.')
  const confirm = () =>
    change(async () => {
      const answer = await act('POST', '/api/v1/account/totp/confirm', { code })
      setCodes(RecoveryCodes.parse(answer).codes)
      setSetUp(null)
      setCode('')
    }, 'Your authenticator app is set up.')
  const renew = () =>
    change(async () => {
      const answer = await act('POST', '/api/v1/account/recovery-codes', {})
      setCodes(RecoveryCodes.parse(answer).codes)
    }, 'The old recovery codes have ended.')
  return (
    <Panel
      title="Authenticator app"
      hint="A code that changes every 30 seconds, asked after the password."
    >
      <Stack gap="sm">
        {codes !== null && <Codes codes={codes} />}
        {data.hasTotp && (
          <>
            <p>Set up. {data.recoveryCodesLeft} recovery codes left.</p>
            <Group>
              <Button variant="default" onClick={renew} loading={isBusy}>
                New recovery codes
              </Button>
              <Button
                variant="default"
                color="red"
                loading={isBusy}
                onClick={() =>
                  change(() => act('DELETE', '/api/v1/account/totp'), 'It is removed.')
                }
              >
                Remove
              </Button>
            </Group>
          </>
        )}
        {!data.hasTotp && setUp === null && (
          <Group>
            <Button onClick={begin} loading={isBusy}>
              Set up
            </Button>
          </Group>
        )}
        {setUp !== null && (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              confirm()
            }}
          >
            <Stack gap="sm">
              <QrCode text={setUp.uri} />
              <p>
                Or type the key into the app: <code>{setUp.secret}</code>
              </p>
              <Group align="flex-end">
                <TextInput
                  label="Code that the app shows"
                  inputMode="numeric"
                  autoComplete="one-time-code"
                  required
                  value={code}
                  onChange={(event) => setCode(event.currentTarget.value)}
                />
                <Button type="submit" loading={isBusy}>
                  Confirm
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Stack>
    </Panel>
  )
}

function Codes({ codes }: { codes: readonly string[] }) {
  return (
    <section aria-label="Recovery codes">
      <p>
        <strong>Keep these recovery codes in a safe place.</strong> Each signs you in once when you
        do not have the app. They are shown this once.
      </p>
      <pre>{codes.join('\n')}</pre>
    </section>
  )
}

/** Drawn here, so that the secret goes to no picture service. */
function QrCode({ text }: { text: string }) {
  const { size, path } = useMemo(() => {
    const code = newQrCode(0, 'M')
    code.addData(text)
    code.make()
    const modules = code.getModuleCount()
    const parts: string[] = []
    for (let y = 0; y < modules; y += 1)
      for (let x = 0; x < modules; x += 1) if (code.isDark(y, x)) parts.push(`M${x} ${y}h1v1h-1z`)
    return { size: modules, path: parts.join('') }
  }, [text])
  return (
    <svg
      role="img"
      aria-label="QR code for the authenticator app"
      width={196}
      height={196}
      viewBox={`-4 -4 ${size + 8} ${size + 8}`}
      shapeRendering="crispEdges"
    >
      <rect x={-4} y={-4} width={size + 8} height={size + 8} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
