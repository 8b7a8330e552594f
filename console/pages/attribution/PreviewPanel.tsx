import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { describeRule, windowLabel, type ResolvedLens } from '#console/lens.ts'
import {
  modelsQuery,
  previewQuery,
  type Method,
  type Previewed,
  type Side,
} from '#console/pages/attribution/attribution.queries.ts'
import { MovedTables } from '#console/pages/attribution/MovedTables.tsx'
import { PublishButton } from '#console/pages/attribution/PublishButton.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/attribution')

/** Rules that can be tried without being published; what is fitted has to be published first. */
const TRIABLE: readonly Method[] = [
  'first',
  'last',
  'last_non_direct',
  'linear',
  'position',
  'time_decay',
  'w_shaped',
  'full_path',
  'shapley',
]
const WINDOWS = ['7', '30', '60', '90', '180', '365', 'all']
const METHOD = 'method.'

/** What would move under another model or window, before anything is changed. */
export function PreviewPanel({ lens }: { lens: ResolvedLens }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const models = useQuery(modelsQuery)
  const kept = (models.data ?? []).filter(({ retiredAt }) => retiredAt === null)
  const { after = defaultAfter(lens.model), afterWindow = lens.window } = search
  const unpublished = TRIABLE.filter((method) => !kept.some((row) => row.method === method))
  const options = [
    ...kept.map(({ model, name }) => ({ value: model, label: name })),
    ...unpublished.map((method) => ({
      value: `${METHOD}${method}`,
      label: `${formatWord(method)} (not published)`,
    })),
  ]
  if (!options.some(({ value }) => value === after)) options.push({ value: after, label: after })
  const change = (fields: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const windows = [...new Set([...WINDOWS, afterWindow])]
  const moved = useMoved(lens, sideOf(after, afterWindow))
  return (
    <>
      <Panel
        title={`From ${describeRule(lens).toLowerCase()} to another rule`}
        hint="Computed from the journeys as the ledger has them. Nothing is stored."
        actions={
          <>
            <FilterSelect
              label="To"
              value={after}
              options={options}
              onChange={(value) => change({ after: value })}
            />
            <FilterSelect
              label="Window"
              value={afterWindow}
              options={windows.map((value) => ({ value, label: windowLabel(value) }))}
              onChange={(value) => change({ afterWindow: value })}
            />
            <PublishButton
              method={methodOf(after) ?? null}
              onDone={(model) => change({ after: model })}
            />
          </>
        }
      >
        <NotRead what="The published models" error={models.error} />
        {moved.isError && <Problem error={moved.error} />}
        {moved.isPending && <Skeleton height={120} />}
        {moved.data && <Totals preview={moved.data} />}
      </Panel>
      {moved.data && <MovedTables preview={moved.data} lens={lens} />}
    </>
  )
}

function defaultAfter(model: string): string {
  return model === 'position' ? 'linear' : 'position'
}

function methodOf(after: string): Method | undefined {
  return TRIABLE.find((method) => `${METHOD}${method}` === after)
}

function sideOf(after: string, window: string): Side {
  const method = methodOf(after)
  return method === undefined
    ? { model: after, window }
    : { definition: { name: formatWord(method), method }, window }
}

function useMoved(lens: ResolvedLens, after: Side) {
  const before = { model: lens.model, window: lens.window }
  return useQuery(previewQuery({ before, after, from: lens.from, to: lens.to }))
}

function Totals({ preview }: { preview: Previewed }) {
  const { wonMinor, movedMinor, movedDeals, deals, currency, baseline, uncredited } = preview
  return (
    <Figures>
      <Figure
        label="Changes hands"
        definition="How much gets another owner, each amount counted once"
        more={`${formatShare(wonMinor === 0 ? null : movedMinor / wonMinor)} of what was won`}
      >
        <Amount minor={movedMinor} currency={currency} />
      </Figure>
      <Figure
        label="Deals"
        definition="Deals of which at least a cent changes hands"
        more={`of ${formatCount(deals)} won`}
      >
        {formatCount(movedDeals)}
      </Figure>
      <Figure label="Uncredited" more={<Delta minor={uncredited.deltaMinor} currency={currency} />}>
        <Amount minor={uncredited.afterMinor} currency={currency} />
      </Figure>
      <Figure
        label="Would have come anyway"
        more={<Delta minor={baseline.deltaMinor} currency={currency} />}
      >
        <Amount minor={baseline.afterMinor} currency={currency} />
      </Figure>
    </Figures>
  )
}

function Delta({ minor, currency }: { minor: number; currency: string }) {
  if (minor === 0) return 'as before'
  return (
    <>
      {minor > 0 && '+'}
      <Amount minor={minor} currency={currency} />
    </>
  )
}
