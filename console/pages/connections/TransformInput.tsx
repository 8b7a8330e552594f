import { ActionIcon, Autocomplete, Button, NumberInput, Select, TextInput } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import type { Transform, VendorField } from '#console/pages/connections/mapping.queries.ts'
import classes from './Connections.module.css'

const kinds = [
  { value: 'none', label: 'As it is' },
  { value: 'map', label: 'Each value by a table' },
  { value: 'minor', label: 'An amount: minor units here, whole units there' },
  { value: 'lower', label: 'In lower case here' },
] as const

const fresh: Readonly<Record<Transform['kind'], Transform>> = {
  none: { kind: 'none' },
  lower: { kind: 'lower' },
  map: { kind: 'map', pairs: [['', '']] },
  minor: { kind: 'minor', digits: 2 },
}

/** How a value changes on its way; each is undone on the way back. */
export function TransformInput({
  transform,
  options,
  onChange,
}: {
  transform: Transform
  options: VendorField['options']
  onChange: (transform: Transform) => void
}) {
  return (
    <>
      <Select
        label="The value on its way"
        data={kinds}
        value={transform.kind}
        allowDeselect={false}
        onChange={(kind) => onChange(fresh[kind ?? 'none'])}
      />
      {transform.kind === 'minor' && (
        <NumberInput
          label="Digits of the minor unit"
          min={0}
          max={4}
          allowDecimal={false}
          value={transform.digits}
          onChange={(digits) =>
            onChange({ kind: 'minor', digits: typeof digits === 'number' ? digits : 2 })
          }
        />
      )}
      {transform.kind === 'map' && (
        <Pairs
          pairs={transform.pairs}
          options={options}
          onChange={(pairs) => onChange({ kind: 'map', pairs })}
        />
      )}
    </>
  )
}

type PairList = Extract<Transform, { kind: 'map' }>['pairs']

function Pairs({
  pairs,
  options,
  onChange,
}: {
  pairs: PairList
  options: VendorField['options']
  onChange: (pairs: PairList) => void
}) {
  const put = (at: number, pair: PairList[number]) =>
    onChange(pairs.map((one, i) => (i === at ? pair : one)))
  return (
    <fieldset className={classes.pairs} aria-label="Values by a table">
      {pairs.map(([ours, theirs], i) => (
        // Pairs have no name of their own: their place is what tells them apart.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={i} className={classes.pair}>
          <TextInput
            label={i === 0 ? 'Here' : undefined}
            aria-label={`Value ${i + 1} here`}
            maxLength={500}
            value={ours}
            onChange={(event) => put(i, [event.currentTarget.value, theirs])}
          />
          <Autocomplete
            label={i === 0 ? 'There' : undefined}
            aria-label={`Value ${i + 1} there`}
            maxLength={500}
            data={[...new Set((options ?? []).map(({ value }) => value))]}
            value={theirs}
            onChange={(value) => put(i, [ours, value])}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={`Remove value ${i + 1}`}
            onClick={() => onChange(pairs.filter((_pair, at) => at !== i))}
          >
            <IconTrash size={15} stroke={1.7} aria-hidden />
          </ActionIcon>
        </div>
      ))}
      <div>
        <Button size="xs" variant="default" onClick={() => onChange([...pairs, ['', '']])}>
          Add a value
        </Button>
      </div>
    </fieldset>
  )
}
