import { useId } from 'react'
import classes from './Filters.module.css'

/** One filter that is typed, as a chip; it holds on Enter and when the field is left. */
export function FilterText({
  label,
  value,
  placeholder,
  maxLength,
  options = [],
  onChange,
}: {
  label: string
  value: string
  placeholder: string
  maxLength: number
  /** What is offered while one types. */
  options?: readonly { value: string; label: string }[]
  onChange: (value: string) => void
}) {
  const id = useId()
  const settle = (typed: string) => {
    if (typed.trim() !== value) onChange(typed.trim())
  }
  return (
    <span className={classes.chip}>
      <label htmlFor={id} className={classes.label}>
        {label}
      </label>
      <input
        // Anew when the address says something else, such as by the way back.
        key={value}
        id={id}
        className={classes.typed}
        defaultValue={value}
        placeholder={placeholder}
        maxLength={maxLength}
        spellCheck={false}
        autoComplete="off"
        list={options.length > 0 ? `${id}-options` : undefined}
        onBlur={(event) => settle(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') settle(event.currentTarget.value)
        }}
      />
      {options.length > 0 && (
        <datalist id={`${id}-options`}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </datalist>
      )}
    </span>
  )
}
