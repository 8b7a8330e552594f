import { IconChevronDown } from '@tabler/icons-react'
import { useId } from 'react'
import { periods, type Period, type PeriodName, type PeriodSearch } from '#console/filters.ts'
import classes from './Filters.module.css'

/** One filter as a chip: its name, its value, and the browser's own list, which every keyboard and reader knows. */
export function FilterSelect<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: Value
  options: readonly { value: Value; label: string }[]
  onChange: (value: Value) => void
}) {
  const id = useId()
  return (
    <span className={classes.chip}>
      <label htmlFor={id} className={classes.label}>
        {label}
      </label>
      <select
        id={id}
        className={classes.select}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.currentTarget.value)
          if (chosen) onChange(chosen.value)
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <IconChevronDown size={13} stroke={2} className={classes.icon} aria-hidden />
    </span>
  )
}

const named = (Object.keys(periods) as PeriodName[]).map((value) => ({
  value,
  label: periods[value].label,
}))

/** The period: a name, or two days. It writes what the address is to say. */
export function PeriodFilter({
  period,
  onChange,
}: {
  period: Period
  onChange: (search: PeriodSearch) => void
}) {
  const { name, from, to } = period
  return (
    <>
      <FilterSelect
        label="Closed"
        value={name}
        options={[...named, { value: 'custom' as const, label: 'Between two days' }]}
        onChange={(value) =>
          onChange(
            value === 'custom'
              ? { period: undefined, from: from ?? undefined, to: to ?? undefined }
              : { period: value, from: undefined, to: undefined },
          )
        }
      />
      {name === 'custom' && (
        <span className={classes.chip}>
          <DayInput
            label="From"
            value={from}
            max={to}
            onChange={(day) => onChange({ period: undefined, from: day, to: to ?? undefined })}
          />
          <DayInput
            label="To"
            value={to}
            min={from}
            onChange={(day) => onChange({ period: undefined, from: from ?? undefined, to: day })}
          />
        </span>
      )}
    </>
  )
}

/** A day with its name, for within a chip. */
export function DayInput({
  label,
  value,
  min,
  max,
  onChange,
}: {
  label: string
  value: string | null
  min?: string | null
  max?: string | null
  onChange: (day: string | undefined) => void
}) {
  const id = useId()
  return (
    <>
      <label htmlFor={id} className={classes.label}>
        {label}
      </label>
      <input
        id={id}
        type="date"
        className={classes.day}
        value={value ?? ''}
        min={min ?? undefined}
        max={max ?? undefined}
        onChange={(event) => onChange(event.currentTarget.value || undefined)}
      />
    </>
  )
}
