import { useQuery } from '@tanstack/react-query'
import {
  DEFAULT_WINDOW,
  modelOptions,
  windowLabel,
  type LensSearch,
  type ResolvedLens,
} from '#console/lens.ts'
import { windowsQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { FilterSelect, PeriodFilter } from '#console/ui/Filters.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'

/** The filters that every attribution page has. */
export function LensFilters({
  lens,
  onChange,
}: {
  lens: ResolvedLens
  onChange: (search: Partial<LensSearch>) => void
}) {
  const { data, error } = useQuery(windowsQuery)
  const windows = [...new Set([...(data?.windows ?? [DEFAULT_WINDOW]), lens.window])]
  return (
    <>
      <PeriodFilter period={lens.period} onChange={onChange} />
      <FilterSelect
        label="Model"
        value={lens.model}
        options={modelOptions}
        onChange={(model) => onChange({ model })}
      />
      <FilterSelect
        label="Window"
        value={lens.window}
        options={windows.map((value) => ({ value, label: windowLabel(value) }))}
        onChange={(window) => onChange({ window })}
      />
      <NotRead what="The other windows" error={error} />
    </>
  )
}
