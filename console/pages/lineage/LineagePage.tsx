import { Button, Skeleton, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { CellTrace } from '#console/pages/lineage/CellTrace.tsx'
import { Figures } from '#console/pages/lineage/Figures.tsx'
import { cellExport, lineageExport, lineageQuery } from '#console/pages/lineage/lineage.queries.ts'
import { cellOf } from '#console/pages/lineage/lineage.search.ts'
import { Steps } from '#console/pages/lineage/Steps.tsx'
import { Uses } from '#console/pages/lineage/Uses.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/lineage')

/** From a field of a record back to what set it, and forward to what uses it. */
export function LineagePage() {
  const { can } = useSession()
  const search = route.useSearch()
  const { record, field } = search
  if (!can('lineage:read')) return <LockedPane what="Lineage" scope="lineage:read" />
  const cell = cellOf(search)
  const isAsked = cell === null && record !== undefined && field !== undefined
  return (
    <>
      <PageHead
        title="Lineage"
        subtitle="Where a value came from, through which mapping and run, and which figures stand on it. Names and ids only, no values."
        actions={
          cell === null ? (
            isAsked && <ExportMenu {...lineageExport(record, field)} />
          ) : (
            <ExportMenu {...cellExport(cell)} />
          )
        }
      />
      <Ask key={`${record} ${field}`} />
      {cell !== null ? (
        <CellTrace cell={cell} />
      ) : isAsked ? (
        <Answer record={record} field={field} />
      ) : (
        <Panel title="Trace a value">
          <EmptyState title="Name a record and one of its fields">
            An id such as <code>lead_…</code> or <code>opp_…</code>, and a field such as{' '}
            <code>jobTitle</code> or <code>amountMinor</code>. Records under Sync health and
            conflicts lead here too, and so do the receipts of figures.
          </EmptyState>
        </Panel>
      )}
    </>
  )
}

function Ask() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [record, setRecord] = useState(search.record ?? '')
  const [field, setField] = useState(search.field ?? '')
  return (
    <form
      className={text.row}
      style={{ marginBottom: 20 }}
      onSubmit={(event) => {
        event.preventDefault()
        void navigate({ search: { record: record.trim(), field: field.trim() } })
      }}
    >
      <TextInput
        label="Record"
        required
        w={340}
        maw="100%"
        pattern="\s*(lead|opp|acc|act|own|pip|stg|cmp|tch)_[0-9a-z]{1,60}\s*"
        title="The id of a record that is synced, such as lead_… or opp_…"
        value={record}
        onChange={(event) => setRecord(event.currentTarget.value)}
      />
      <TextInput
        label="Field"
        required
        value={field}
        onChange={(event) => setField(event.currentTarget.value)}
      />
      <Button type="submit">Trace</Button>
    </form>
  )
}

function Answer({ record, field }: { record: string; field: string }) {
  const lineage = useQuery(lineageQuery(record, field))
  if (lineage.isError) return <Problem error={lineage.error} />
  if (!lineage.data) return <Skeleton height={320} />
  const { origin, backward, forward } = lineage.data
  return (
    <>
      <Panel
        title="Back to where it came from"
        hint={
          origin === null
            ? 'The newest step first; none of those that are known set the present value.'
            : 'The newest step first; the marked one set the present value.'
        }
      >
        <Steps steps={backward} origin={origin} record={record} />
      </Panel>
      <Panel
        title="Forward to what uses it"
        hint="Figures, deals, models, rules and systems."
        flush
      >
        <Uses uses={forward} />
      </Panel>
      {/^(?:opp|tch|cmp)_/.test(record) && (
        <Panel
          title="Figures that stand on it"
          hint="Rows of campaigns and channels, by the week of the close, under each model and window."
          flush
        >
          <Figures record={record} field={field} />
        </Panel>
      )}
    </>
  )
}
