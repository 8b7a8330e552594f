import { Skeleton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lackOf } from '#console/pages/connections/draft.ts'
import {
  previewQuery,
  type Draft,
  type Mapping,
  type PreviewedField,
  type StreamPlace,
} from '#console/pages/connections/mapping.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Row = PreviewedField & { localId: string; externalId: string }

const outcomes: Readonly<Record<PreviewedField['outcome'], string>> = {
  same: 'Nothing to do',
  hub: 'The hub’s value goes there',
  crm: 'The CRM’s value comes in',
  ask: 'A person is asked',
}

/** Somebody types: each letter is not a call. */
const SETTLES_MS = 600

/** Up to ten records as the rule being made would have them; read from the CRM at this moment. */
export function PreviewTable({
  place,
  name,
  mapping,
  draft,
}: {
  place: StreamPlace
  name: string
  mapping: Mapping | null
  draft: Draft
}) {
  const [settled] = useDebouncedValue(draft, SETTLES_MS)
  const lack = lackOf(settled, mapping)
  const preview = useQuery({
    ...previewQuery(place, settled),
    enabled: lack === null,
    placeholderData: keepPreviousData,
  })
  if (lack !== null) return <p className={text.soft}>{lack}</p>
  if (preview.isError) return <Problem error={preview.error} />
  if (!preview.data) return <Skeleton height={180} />
  const rows = preview.data.records.flatMap(({ localId, externalId, fields }) =>
    fields.map((field) => ({ ...field, localId, externalId })),
  )
  return (
    <div aria-busy={preview.isFetching}>
      <Table
        caption="Records under this rule"
        rows={rows}
        columns={columnsOf(name)}
        rowKey={({ localId }) => localId}
        empty={
          <EmptyState title="No record is on both sides yet">
            Run the connection first: records that both sides have are shown here.
          </EmptyState>
        }
      />
    </div>
  )
}

function columnsOf(name: string): Column<Row>[] {
  return [
    {
      title: 'Record',
      isHeader: true,
      cell: ({ localId }) => (
        <span className={text.id} title={localId}>
          {shortId(localId)}
        </span>
      ),
    },
    { title: 'Hub', cell: ({ hub }) => <FieldValue value={hub} /> },
    {
      title: name,
      cell: ({ crm, raw }) => (
        <>
          <FieldValue value={crm} />
          {raw !== null && String(raw) !== String(crm) && (
            <span className={text.soft}> from {String(raw)}</span>
          )}
        </>
      ),
    },
    { title: 'The next run', cell: ({ outcome }) => outcomes[outcome] },
  ]
}
