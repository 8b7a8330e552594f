import { Button, Select, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Import } from '#imports/import.schema.ts'
import { delimiters } from '#console/pages/imports/import-words.ts'
import { AREA, changeImport } from '#console/pages/imports/imports.queries.ts'
import { useSession } from '#console/session.ts'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const options = (Object.keys(delimiters) as (keyof typeof delimiters)[]).map((value) => ({
  value,
  label: delimiters[value],
}))

/** How the file is read, as it was found out and why; to be settled until the start. */
export function Dialect({ one }: { one: Import }) {
  const { can } = useSession()
  const { dialect, state, source, zone } = one
  const isOpen = state === 'uploaded' && can('imports:write')
  return (
    <Panel title="How the file is read" hint={dialect.reasons.join(' ')}>
      {isOpen ? (
        // Anew when the hub says something else.
        <Form key={JSON.stringify([dialect, source, zone])} one={one} />
      ) : (
        <dl className={text.facts}>
          <div>
            <dt>Encoding</dt>
            <dd>{dialect.encoding}</dd>
          </div>
          <div>
            <dt>Delimiter</dt>
            <dd>{delimiters[dialect.delimiter]}</dd>
          </div>
          <div>
            <dt>First row</dt>
            <dd>{dialect.hasHeader ? 'Names of columns' : 'Values'}</dd>
          </div>
          <div>
            <dt>Times are those of</dt>
            <dd>{zone}</dd>
          </div>
          <div>
            <dt>Source</dt>
            <dd>{source}</dd>
          </div>
        </dl>
      )}
    </Panel>
  )
}

function Form({ one: { id, dialect, source, zone } }: { one: Import }) {
  const { encoding, delimiter, hasHeader } = dialect
  const initial = { encoding, delimiter, hasHeader, source, zone }
  const [fields, setFields] = useState(initial)
  const change = useChange(AREA)
  const changed = Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => initial[name as keyof typeof initial] !== value,
    ),
  )
  const isReread = ['encoding', 'delimiter', 'hasHeader'].some((name) => name in changed)
  return (
    <form
      className={text.form}
      onSubmit={(event) => {
        event.preventDefault()
        change.run(() => changeImport(id, changed), 'The file is read in this way.')
      }}
    >
      <div className={text.fields}>
        <TextInput
          label="Encoding"
          required
          maxLength={40}
          value={fields.encoding}
          onChange={(event) => setFields({ ...fields, encoding: event.currentTarget.value })}
        />
        <Select
          label="Delimiter"
          data={options}
          value={fields.delimiter}
          allowDeselect={false}
          onChange={(value) => setFields({ ...fields, delimiter: value ?? ',' })}
        />
        <TextInput
          label="Time zone"
          description="Of dates that state none"
          required
          maxLength={60}
          value={fields.zone}
          onChange={(event) => setFields({ ...fields, zone: event.currentTarget.value })}
        />
        <TextInput
          label="Source"
          description="The system that the file is from; ids are its own"
          required
          maxLength={60}
          value={fields.source}
          onChange={(event) => setFields({ ...fields, source: event.currentTarget.value })}
        />
      </div>
      <Switch
        label="The first row names the columns"
        checked={fields.hasHeader}
        onChange={(event) => setFields({ ...fields, hasHeader: event.currentTarget.checked })}
      />
      {Object.keys(changed).length > 0 && (
        <div className={text.row}>
          <Button type="submit" size="xs" loading={change.isBusy}>
            Read it so
          </Button>
          <Button size="xs" variant="default" onClick={() => setFields(initial)}>
            As it was
          </Button>
          {isReread && (
            <span className={text.soft}>Columns that you chose are guessed anew with it.</span>
          )}
        </div>
      )}
      {change.dialog}
    </form>
  )
}
