import { Button, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { describeModel, describeRule, windowLabel, type ResolvedLens } from '#console/lens.ts'
import {
  AREA,
  modelsQuery,
  previewQuery,
  publishModel,
  type Method,
  type Previewed,
  type Side,
} from '#console/pages/attribution/attribution.queries.ts'
import { MovedTables } from '#console/pages/attribution/MovedTables.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

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
  return (
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
          <Publish after={after} />
        </>
      }
      flush
    >
      <Moved lens={lens} after={sideOf(after, afterWindow)} />
    </Panel>
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

function Moved({ lens, after }: { lens: ResolvedLens; after: Side }) {
  const before = { model: lens.model, window: lens.window }
  const preview = useQuery(previewQuery({ before, after, from: lens.from, to: lens.to }))
  if (preview.isError) return <Problem error={preview.error} />
  if (!preview.data) return <Skeleton height={320} m={18} w="auto" />
  return (
    <>
      <div className={text.pad}>
        <Totals preview={preview.data} />
      </div>
      <MovedTables preview={preview.data} lens={lens} />
    </>
  )
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

/** A method that was only tried becomes a model of the workspace, beside the others. */
function Publish({ after }: { after: string }) {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const method = methodOf(after)
  if (method === undefined || !can('attribution:write')) return null
  const name = formatWord(method)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Publish…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Publish ${name}`}
        confirm="Publish"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => publishModel({ name, method }),
            `${name} is published; its ledger is computed within minutes.`,
            () => {
              dialog.close()
              void navigate({ search: { ...search, after: method }, resetScroll: false })
            },
          )
        }
      >
        <p className={text.text}>
          {describeModel(method).label} is kept beside the other models from now on, for every
          window. No other model’s figures move, and it can be retired.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
