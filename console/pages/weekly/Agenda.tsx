import { Checkbox } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatDate } from '#console/format.ts'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import { AssignButton } from '#console/pages/weekly/AssignButton.tsx'
import { NewItem } from '#console/pages/weekly/NewItem.tsx'
import { itemKinds } from '#console/pages/weekly/weekly-words.ts'
import {
  AREA,
  changeItem,
  type Item,
  type WeeklyWhole,
} from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/reports/weekly/$reportId')

/** What there is to talk about: found in the figures, or put there by somebody; what stays open is carried over. */
export function Agenda({ report: { id, agenda } }: { report: WeeklyWhole }) {
  const { items } = route.useSearch()
  const navigate = route.useNavigate()
  const search = route.useSearch()
  const rows = agenda.filter(({ state }) => items === undefined || state === items)
  return (
    <Panel
      title="Agenda"
      hint="The hub puts up what moved, fell short or is in dispute; you add what is to be decided. What stays open is carried over to the next week."
      flush
      actions={
        <FilterSelect
          label="Show"
          value={items ?? 'all'}
          options={[
            { value: 'all', label: 'All' },
            { value: 'open', label: 'Open' },
            { value: 'done', label: 'Done' },
          ]}
          onChange={(value) =>
            void navigate({
              search: { ...search, items: value === 'all' ? undefined : value },
              resetScroll: false,
            })
          }
        />
      }
    >
      <Table<Item>
        caption="Agenda of the week"
        rows={rows}
        columns={columns}
        rowKey={(item) => item.id}
        empty={
          items === undefined ? (
            <EmptyState title="Nothing came up">
              No figure moved, fell short or is in dispute. Put what is to be decided on the agenda
              below.
            </EmptyState>
          ) : (
            <EmptyState title={items === 'open' ? 'Nothing is open' : 'Nothing is done yet'} />
          )
        }
      />
      <NewItem reportId={id} />
    </Panel>
  )
}

const columns: Column<Item>[] = [
  { title: 'Done', cell: (item) => <DoneBox item={item} /> },
  {
    title: 'Item',
    isHeader: true,
    cell: (item) => (
      <span className={text.wrapped}>
        {item.title}
        <span className={text.line}>
          <Detail item={item} />
        </span>
      </span>
    ),
  },
  {
    title: 'Kind',
    cell: ({ kind }) => <Badge tone={itemKinds[kind].tone}>{itemKinds[kind].label}</Badge>,
  },
  { title: 'Owner', cell: ({ ownerId }) => <LeadOwner ownerId={ownerId} /> },
  { title: 'Assign', align: 'end', cell: (item) => <AssignButton item={item} /> },
]

/** Since when it is open, and the way to what it is about. */
function Detail({ item: { week, isCarriedOver, kind, link } }: { item: Item }) {
  const since = isCarriedOver && `Carried over from the week of ${formatDate(week)}. `
  const query = new URLSearchParams(link?.split('?')[1])
  if (kind === 'dispute' && link !== null) {
    const deal = link.split('?')[0]?.split('/').at(-1)
    return (
      <>
        {since}
        <Link
          from="/reports/weekly/$reportId"
          to="/reports/weekly/$reportId"
          search={(search) => ({ ...search, deal, receipt: undefined })}
          resetScroll={false}
          className="tl-link"
        >
          Open its touches
        </Link>
        {' · '}
        <Link to="/attribution" search={{ view: 'disagreements' }} className="tl-link">
          Settle where it came from
        </Link>
      </>
    )
  }
  if (kind === 'change') {
    const [model, window] = [query.get('model') ?? undefined, query.get('window') ?? undefined]
    return (
      <>
        {since}
        <Link
          to="/attribution"
          search={{ view: 'restatements', model, window }}
          className="tl-link"
        >
          See what moved
        </Link>
      </>
    )
  }
  return <>{since}</>
}

function DoneBox({ item: { id, title, state } }: { item: Item }) {
  const { can } = useSession()
  const change = useChange(AREA)
  const may = can('reports:write')
  const isDone = state === 'done'
  return (
    <Permitted isPermitted={may} scope="reports:write">
      <Checkbox
        size="sm"
        aria-label={`Done: ${title}`}
        checked={isDone}
        disabled={!may || change.isBusy}
        onChange={() =>
          change.run(
            () => changeItem(id, { state: isDone ? 'open' : 'done' }),
            isDone ? 'It is open again.' : 'Done.',
          )
        }
      />
      {change.dialog}
    </Permitted>
  )
}
