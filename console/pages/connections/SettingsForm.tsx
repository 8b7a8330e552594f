import {
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Select,
  Switch,
  TextInput,
} from '@mantine/core'
import { useState } from 'react'
import { formatField } from '#console/format.ts'
import type { Connector, Setting } from '#console/pages/connections/connections.queries.ts'
import text from '#console/ui/Text.module.css'

export type SettingValues = Readonly<Record<string, string | number | boolean>>

/** The settings of one way to sign in, then those that have a usual value. Made from what the API says of the connector. */
export function SettingsForm({
  connector,
  login,
  values,
  onLogin,
  onChange,
}: {
  connector: Connector
  login: number
  values: SettingValues
  onLogin: (login: number) => void
  onChange: (values: SettingValues) => void
}) {
  const [isMoreOpen, setMoreOpen] = useState(false)
  const { logins, settings } = connector
  const fields = logins[login]?.fields ?? []
  const ofLogins = new Set(logins.flatMap((one) => one.fields))
  const own = settings.filter(({ name, isRequired }) => isRequired || fields.includes(name))
  const more = settings.filter((one) => !own.includes(one) && !ofLogins.has(one.name))
  const set = (name: string, value: string | number | boolean) =>
    onChange({ ...values, [name]: value })
  const input = (setting: Setting) => (
    <SettingInput
      key={setting.name}
      setting={setting}
      isRequired={setting.isRequired || fields.includes(setting.name)}
      value={values[setting.name]}
      onChange={(value) => set(setting.name, value)}
    />
  )
  return (
    <>
      {logins.length > 2 ? (
        <Select
          label="Sign in by"
          data={logins.map(({ label }, i) => ({ value: String(i), label }))}
          value={String(login)}
          allowDeselect={false}
          onChange={(value) => onLogin(Number(value ?? 0))}
        />
      ) : (
        logins.length > 1 && (
          <SegmentedControl
            aria-label="Sign in by"
            data={logins.map(({ label }, i) => ({ value: String(i), label }))}
            value={String(login)}
            onChange={(value) => onLogin(Number(value))}
          />
        )
      )}
      {own.map(input)}
      {more.length > 0 && (
        <details
          className={text.form}
          open={isMoreOpen}
          onToggle={(event) => setMoreOpen(event.currentTarget.open)}
        >
          <summary className={text.summary}>
            More settings, such as the address of a sandbox ({more.length})
          </summary>
          <div className={text.form}>{isMoreOpen && more.map(input)}</div>
        </details>
      )}
    </>
  )
}

function SettingInput({
  setting: { name, description, kind, isSecret, default: usual },
  isRequired,
  value,
  onChange,
}: {
  setting: Setting
  isRequired: boolean
  value: string | number | boolean | undefined
  onChange: (value: string | number | boolean) => void
}) {
  const label = formatField(name)
  if (kind === 'boolean')
    return (
      <Switch
        label={label}
        description={description}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    )
  if (kind === 'number')
    return (
      <NumberInput
        label={label}
        description={description}
        placeholder={usual === null ? '' : String(usual)}
        value={typeof value === 'number' ? value : ''}
        onChange={(next) => onChange(next)}
      />
    )
  const shared = {
    label,
    description: isSecret
      ? [description, 'Sealed, and never shown again'].filter(Boolean).join('. ')
      : description,
    placeholder: usual === null ? '' : String(usual),
    required: isRequired,
    maxLength: 10_000,
    value: typeof value === 'string' ? value : '',
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  }
  return isSecret ? (
    <PasswordInput {...shared} autoComplete="off" />
  ) : (
    <TextInput {...shared} autoComplete="off" />
  )
}

/** What was filled in, of the chosen way to sign in and of the rest; blanks are left to their usual values. */
export function filledOf(
  connector: Connector,
  login: number,
  values: SettingValues,
): Record<string, string | number | boolean> {
  const others = othersOf(connector, login)
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => value !== '' && !others.includes(name)),
  )
}

/** Settings of the ways to sign in that were not chosen. */
export function othersOf({ logins }: Connector, login: number): string[] {
  const chosen = new Set(logins[login]?.fields ?? [])
  const all = new Set(logins.flatMap(({ fields }) => fields))
  return [...all].filter((name) => !chosen.has(name))
}

/** Whether something that the way to sign in takes is not filled in yet. */
export function isLacking(connector: Connector, login: number, values: SettingValues): boolean {
  const needed = connector.settings.filter(
    ({ name, isRequired }) => isRequired || (connector.logins[login]?.fields ?? []).includes(name),
  )
  return needed.some(({ name }) => values[name] === undefined || values[name] === '')
}
