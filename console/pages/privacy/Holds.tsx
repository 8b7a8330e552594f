import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { holdTargets } from '#console/pages/privacy/privacy-words.ts'
import { AREA, holdsQuery, liftHold, type HoldRow } from '#console/pages/privacy/privacy.queries.ts'
import type { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** What is kept whatever rules and requests say, and why. */
export function Holds({
  search: { standing },
  onChange,
}: {
  search: PrivacySearch
  onChange: (fields: Partial<PrivacySearch>) => void
}) {
  const holds = useInfiniteQuery(holdsQuery(standing))
  return (
    <Panel
      title="What is kept in spite of rules"
      hint="A hold goes before every retention rule and every erasure."
      flush
      actions={
        <FilterSelect
          label="Show"
          value={standing ?? ''}
          options={[
            { value: '', label: 'All' },
            { value: 'true', label: 'Standing' },
            { value: 'false', label: 'Lifted' },
          ]}
          onChange={(value) => onChange({ standing: value === '' ? undefined : value })}
        />
      }
    >
      <PagedTable<HoldRow>
        query={holds}
        caption="Legal holds"
        what="holds"
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState title="Nothing is on hold" />}
      />
    </Panel>
  )
}

const columns: Column<HoldRow>[] = [
  { title: 'What', isHeader: true, cell: ({ target }) => holdTargets[target] },
  { title: 'Which', cell: ({ subject }) => <span className={text.id}>{subject}</span> },
  { title: 'Why', cell: ({ reason }) => <span className={text.wrapped}>{reason}</span> },
  { title: 'Placed', cell: ({ placedAt }) => <Moment at={placedAt} /> },
  {
    title: 'State',
    cell: ({ liftedAt, liftReason }) =>
      liftedAt === null ? (
        <Badge tone="warn">Stands</Badge>
      ) : (
        <span className={text.wrapped}>
          <Badge tone="plain">
            Lifted <Moment at={liftedAt} />
          </Badge>{' '}
          {liftReason}
        </span>
      ),
  },
  { title: 'Lift', align: 'end', cell: (hold) => <Lift hold={hold} /> },
]

function Lift({ hold }: { hold: HoldRow }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  if (hold.liftedAt !== null || !can('holds:write')) return null
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open}>
        Lift…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Lift the hold"
        confirm="Lift the hold"
        isGrave
        reason={{
          label: 'Reason',
          description: 'Kept with the proof. No personal data.',
          required: true,
        }}
        isBusy={change.isBusy}
        onConfirm={(reason) =>
          change.run(
            () => liftHold(hold.id, reason),
            'The hold is lifted; rules and requests reach the data again.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          What is due under a retention rule goes with the next daily run and does not come back.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
