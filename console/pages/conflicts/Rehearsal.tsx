import { getRouteApi } from '@tanstack/react-router'
import { rehearsalExport, type RehearsedRule } from '#console/pages/conflicts/conflicts.queries.ts'
import { policyOptions } from '#console/pages/conflicts/policy-words.ts'
import { RehearsalResult } from '#console/pages/conflicts/RehearsalResult.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/conflicts')
const spans = [
  { value: '30', label: '30 days' },
  { value: '92', label: '92 days' },
  { value: '366', label: '366 days' },
] as const

/** What another rule would have made of the changes that were: nothing is written. Shown once a field is chosen. */
export function Rehearsal({ nameOf }: { nameOf: (connectionId: string) => string }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { connectionId, stream, field, policy, days = '92' } = search
  if (!connectionId || !stream || !field || !policy) return null
  const rule: RehearsedRule = { connectionId, stream, field, policy, days }
  const change = (fields: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <Panel
      title={`If the rule for ${field} had been another`}
      hint={`${nameOf(connectionId)}, ${stream}. Recorded changes are decided once more with the values that met then; nothing is written.`}
      actions={
        <>
          <FilterSelect
            label="Rule"
            value={policy}
            options={policyOptions}
            onChange={(value) => change({ policy: value })}
          />
          <FilterSelect
            label="Over"
            value={days}
            options={spans}
            onChange={(value) => change({ days: value })}
          />
          <ExportMenu {...rehearsalExport(rule)} />
        </>
      }
    >
      <RehearsalResult rule={rule} />
    </Panel>
  )
}
