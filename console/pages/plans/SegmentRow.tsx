import { Button, NumberInput, Select, type NumberInputProps } from '@mantine/core'
import { nameOfSegment } from '#console/pages/plans/plan-words.ts'
import type { SegmentFields } from '#console/pages/plans/plan-draft.ts'
import text from '#console/ui/Text.module.css'
import classes from './Plans.module.css'

type Assumed = 'leadToWon' | 'leadToOpportunity' | 'averageWon' | 'costPerLead'

/** One segment of the plan: its channel, its target, and what is assumed of it. */
export function SegmentRow({
  number,
  fields,
  currency,
  channels,
  taken,
  onChange,
  onRemove,
}: {
  number: number
  fields: SegmentFields
  currency: string
  channels: readonly string[]
  /** Channels of the other segments. */
  taken: readonly string[]
  onChange: (fields: Partial<SegmentFields>) => void
  /** Null where it is the only one. */
  onRemove: (() => void) | null
}) {
  const { channel } = fields
  const offered = [...new Set(['', ...channels, channel])].filter((one) => !taken.includes(one))
  const assumed = [
    { name: 'leadToWon', label: 'Leads that are won', suffix: ' %', max: 100 },
    { name: 'leadToOpportunity', label: 'Leads that open one', suffix: ' %', max: 100 },
    { name: 'averageWon', label: 'Average deal', prefix: `${currency} ` },
    { name: 'costPerLead', label: 'Cost per lead', prefix: `${currency} ` },
  ] as const satisfies readonly ({ name: Assumed } & NumberInputProps)[]
  const isAssumed = assumed.some(({ name }) => fields[name] !== '')
  return (
    <fieldset className={classes.segment}>
      <legend className="tl-hidden">Segment {number}</legend>
      <div className={classes.line}>
        <Select
          label="Segment"
          searchable
          allowDeselect={false}
          data={offered.map((one) => ({ value: one, label: nameOfSegment(one || null) }))}
          value={channel}
          onChange={(value) => onChange({ channel: value ?? '' })}
        />
        <NumberInput
          label="Target"
          required
          min={0}
          decimalScale={2}
          thousandSeparator=","
          prefix={`${currency} `}
          value={fields.target}
          onChange={(value) => onChange({ target: String(value) })}
        />
        {onRemove && (
          <Button
            variant="subtle"
            color="gray"
            aria-label={`Remove segment ${number}`}
            onClick={onRemove}
          >
            Remove
          </Button>
        )}
      </div>
      <details open={isAssumed || undefined}>
        <summary className={text.summary}>
          {isAssumed
            ? 'Assumed instead of measured'
            : 'Assume something instead of what is measured'}
        </summary>
        <div className={classes.assumed}>
          {assumed.map(({ name, ...input }) => (
            <NumberInput
              key={name}
              {...input}
              placeholder="As measured"
              min={0}
              decimalScale={4}
              thousandSeparator=","
              value={fields[name]}
              onChange={(value) => onChange({ [name]: String(value) })}
            />
          ))}
        </div>
      </details>
    </fieldset>
  )
}
