import { Checkbox, Group, TextInput } from '@mantine/core'
import { correctable } from '#console/pages/privacy/privacy-words.ts'
import type { Changes, CorrectableField } from '#console/pages/privacy/privacy.queries.ts'

const fields = Object.entries(correctable) as [CorrectableField, string][]

/** What is to be put right: a field with a value is replaced, a field that is ticked is emptied, the others stay. */
export function CorrectionFields({
  changes,
  onChange,
}: {
  changes: Changes
  onChange: (changes: Changes) => void
}) {
  const set = (field: CorrectableField, value: string | null) => {
    const { [field]: _was, ...others } = changes
    onChange(value === '' ? others : { ...others, [field]: value })
  }
  const emptied = fields.flatMap(([field]) => (changes[field] === null ? [field] : []))
  return (
    <>
      {fields.map(([field, label]) => (
        <TextInput
          key={field}
          label={label}
          placeholder={changes[field] === null ? 'Taken away' : 'Stays as it is'}
          type={field === 'email' ? 'email' : 'text'}
          maxLength={field === 'email' ? 254 : 200}
          value={changes[field] ?? ''}
          onChange={(event) => set(field, event.currentTarget.value)}
        />
      ))}
      <Checkbox.Group
        label="Take away"
        description="Without a value in its place."
        value={emptied}
        onChange={(next) => {
          const field = fields.find(([name]) => next.includes(name) !== emptied.includes(name))?.[0]
          if (field) set(field, next.includes(field) ? null : '')
        }}
      >
        <Group gap="md" mt={8}>
          {fields
            .filter(([field]) => field !== 'email')
            .map(([field, label]) => (
              <Checkbox key={field} value={field} label={label} />
            ))}
        </Group>
      </Checkbox.Group>
    </>
  )
}
