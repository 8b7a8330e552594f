import type { Quarter } from '#console/pages/pipeline/quarters.ts'
import { FilterSelect } from '#console/ui/Filters.tsx'

const options: readonly { value: Quarter; label: string }[] = [
  { value: 'this', label: 'This quarter' },
  { value: 'last', label: 'Last quarter' },
  { value: 'before', label: 'The one before' },
]

/** The quarter that a view of the pipeline is about; the present one needs no word in the address. */
export function QuarterFilter({
  quarter,
  onChange,
}: {
  quarter: Quarter
  onChange: (fields: { quarter: Quarter | undefined }) => void
}) {
  return (
    <FilterSelect<Quarter>
      label="Quarter"
      value={quarter}
      options={options}
      onChange={(value) => onChange({ quarter: value === 'this' ? undefined : value })}
    />
  )
}
