import { getRouteApi } from '@tanstack/react-router'
import { IdentityConflicts } from '#console/pages/people/IdentityConflicts.tsx'
import { Merges } from '#console/pages/people/Merges.tsx'
import { PairDrawer } from '#console/pages/people/PairDrawer.tsx'
import { PairList } from '#console/pages/people/PairList.tsx'
import { conflictsExport, mergesExport, pairsExport } from '#console/pages/people/people.queries.ts'
import type { DuplicatesSearch } from '#console/pages/people/people.search.ts'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/people/duplicates')
const scope = 'people:read'

const views = [
  { value: 'pairs', label: 'Possible duplicates', scope },
  { value: 'conflicts', label: 'Identity conflicts', scope },
  { value: 'apart', label: 'Kept apart', scope },
  { value: 'log', label: 'Merge log', scope },
] as const

/** Who may be the same person, what a merge of them would give, and the merges that were made, with the way back. */
export function DuplicatesPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'pairs', least, merges } = search
  const change = (fields: Partial<DuplicatesSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  if (!can(scope)) return <LockedPane what="Identity" scope={scope} />
  return (
    <>
      <PageHead
        title="Identity"
        subtitle="Pairs of people that may be one. Nobody who is known is ever merged without somebody saying so, and each merge can be undone."
        actions={<ExportMenu {...exportOf(search)} />}
      />
      <ViewTabs
        label="Views of identity"
        views={views}
        value={view}
        onChange={(value) =>
          change({ view: value === 'pairs' ? undefined : value, one: undefined, other: undefined })
        }
      >
        {(shown) => {
          if (shown === 'conflicts') return <IdentityConflicts search={search} onChange={change} />
          if (shown === 'log')
            return (
              <Merges
                filter={{ state: merges }}
                title="Merge log"
                hint="The latest first. One that another rests on is undone after that one."
                empty="Nobody was merged by hand."
                actions={
                  <FilterSelect
                    label="State"
                    value={merges ?? ''}
                    options={[
                      { value: '', label: 'All' },
                      { value: 'merged', label: 'Holds' },
                      { value: 'undone', label: 'Undone' },
                    ]}
                    onChange={(value) => change({ merges: value === '' ? undefined : value })}
                  />
                }
              />
            )
          const status = shown === 'apart' ? 'dismissed' : 'open'
          return <PairList key={status} status={status} least={least} onChange={change} />
        }}
      </ViewTabs>
      <PairDrawer
        one={search.one}
        other={search.other}
        onSwap={() => change({ one: search.other, other: search.one })}
        onClose={() => change({ one: undefined, other: undefined })}
      />
    </>
  )
}

function exportOf({ view, least, conflicts = 'open', merges }: DuplicatesSearch) {
  if (view === 'conflicts') return conflictsExport(conflicts)
  if (view === 'log') return mergesExport({ state: merges })
  const status = view === 'apart' ? 'dismissed' : 'open'
  return pairsExport({ status, minConfidence: least })
}
