import { Button, NumberInput, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { formatField } from '#console/format.ts'
import { AllowanceNote } from '#console/pages/connections/AllowanceNote.tsx'
import { readBacks } from '#console/pages/connections/connection-words.ts'
import {
  AREA,
  changeConnection,
  type Connection,
} from '#console/pages/connections/connections.queries.ts'
import { useSession } from '#console/session.ts'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Before a number that is typed is looked at. */
const SETTLES_MS = 400

/** What a connection may do: calls, reading back, plans. Keyed by its version, so that it shows what was kept last. */
export function ConnectionSettings({ connection }: { connection: Connection }) {
  return <Form key={connection.version} connection={connection} />
}

function Form({ connection }: { connection: Connection }) {
  const { can } = useSession()
  const [fields, setFields] = useState({
    name: connection.name,
    dailyCalls: connection.dailyCalls,
    callDayZone: connection.callDayZone,
    livePercent: connection.livePercent,
    planAbove: connection.planAbove,
    readBack: connection.readBack,
    credentialsEndOn: connection.credentialsEndOn,
  })
  const [typed] = useDebouncedValue(fields.dailyCalls, SETTLES_MS)
  const change = useChange(AREA)
  const may = can('connections:write')
  const numberOf = (value: string | number) => (typeof value === 'number' ? value : null)
  const zones = [...new Set(['UTC', connection.callDayZone, ...Intl.supportedValuesOf('timeZone')])]
  const shown = Object.entries(connection.settings)
  return (
    <Panel title="Settings" hint="Hold from the next run on.">
      <form
        className={text.form}
        onSubmit={(event) => {
          event.preventDefault()
          change.run(
            () => changeConnection(connection.id, { ...fields, name: fields.name.trim() }),
            'The settings hold from the next run on.',
          )
        }}
      >
        {!may && <LockedNote what="Changing them" scope="connections:write" />}
        <TextInput
          label="Name"
          required
          disabled={!may}
          maxLength={200}
          maw={420}
          value={fields.name}
          onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
        />
        <NumberInput
          label="Calls a day"
          description="The allowance of the day below; empty: as many as the system lets it"
          disabled={!may}
          min={1}
          max={100_000_000}
          allowDecimal={false}
          thousandSeparator=","
          maw={420}
          value={fields.dailyCalls ?? ''}
          onChange={(value) => setFields({ ...fields, dailyCalls: numberOf(value) })}
        />
        {typed !== null && typed !== connection.dailyCalls && (
          <AllowanceNote connectionId={connection.id} dailyCalls={typed} />
        )}
        <Select
          label="Days of the calls"
          description="The zone whose midnight begins the allowance anew: that of the account there"
          disabled={!may}
          data={zones}
          value={fields.callDayZone}
          allowDeselect={false}
          searchable
          maw={420}
          onChange={(value) => setFields({ ...fields, callDayZone: value ?? 'UTC' })}
        />
        <NumberInput
          label="Of them for changes that go at once, in percent"
          description="Scheduled runs never stand in their way"
          disabled={!may}
          min={0}
          max={90}
          allowDecimal={false}
          maw={420}
          value={fields.livePercent}
          onChange={(value) => setFields({ ...fields, livePercent: numberOf(value) ?? 0 })}
        />
        <Select
          label="Reading back what was written"
          description="What each costs is in the plan of calls"
          disabled={!may}
          data={readBacks}
          value={fields.readBack}
          allowDeselect={false}
          maw={420}
          onChange={(value) =>
            setFields({
              ...fields,
              readBack: readBacks.find((one) => one.value === value)?.value ?? 'full',
            })
          }
        />
        <NumberInput
          label="A plan first, above so many records"
          description="A run that would write more makes a change plan that waits to be approved; 0: every run; empty: never"
          disabled={!may}
          min={0}
          max={100_000_000}
          allowDecimal={false}
          thousandSeparator=","
          maw={420}
          value={fields.planAbove ?? ''}
          onChange={(value) => setFields({ ...fields, planAbove: numberOf(value) })}
        />
        <TextInput
          type="date"
          label="Credentials end on"
          description="Where they do: you are told two weeks before"
          disabled={!may}
          maw={420}
          value={fields.credentialsEndOn ?? ''}
          onChange={(event) =>
            setFields({ ...fields, credentialsEndOn: event.currentTarget.value || null })
          }
        />
        <dl className={text.facts}>
          {shown.map(([name, value]) => (
            <div key={name}>
              <dt>{formatField(name)}</dt>
              <dd>{value === true ? 'Set' : String(value)}</dd>
            </div>
          ))}
        </dl>
        <div>
          <Button type="submit" size="xs" disabled={!may} loading={change.isBusy}>
            Keep the settings
          </Button>
        </div>
      </form>
      {change.dialog}
    </Panel>
  )
}
