import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import {
  AREA,
  deleteGrant,
  grantsQuery,
  type Grant,
} from '#console/pages/permissions/access.queries.ts'
import type { AccessSearch } from '#console/pages/permissions/access.search.ts'
import { inTree, placeOf } from '#console/pages/permissions/grant-tree.ts'
import { NewGrantButton } from '#console/pages/permissions/NewGrantButton.tsx'
import { usePrincipals, type PrincipalName } from '#console/pages/permissions/principals.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterText } from '#console/ui/FilterText.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'
import classes from './Access.module.css'

/** Rights and denials at the places of the tree, from the organisation down to single records. */
export function GrantsView({
  search: { subject },
  onChange,
}: {
  search: AccessSearch
  onChange: (fields: Partial<AccessSearch>) => void
}) {
  const { can } = useSession()
  const grants = useInfiniteQuery(grantsQuery(subject))
  const principals = usePrincipals()
  if (grants.isError) return <Problem error={grants.error} />
  if (!grants.data) return <PageSkeleton />
  const rows = inTree(grants.data.pages.flatMap(({ data }) => data))
  return (
    <Panel
      title="Rights beyond roles"
      hint="Organisation, domain, team, record: what is given or denied at a place holds for all below it."
      flush
      actions={
        <>
          <FilterText
            label="For"
            value={subject ?? ''}
            placeholder="usr_…, role:sales"
            maxLength={64}
            options={principals.map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(value) => onChange({ subject: value || undefined })}
          />
          {can('access:write') && <NewGrantButton principals={principals} />}
        </>
      }
    >
      <Table
        caption="Rights and denials, from the organisation down"
        rows={rows}
        columns={columnsFor(principals, can('access:write'))}
        rowKey={({ id }) => id}
        empty={
          subject === undefined ? (
            <EmptyState title="Roles alone decide">
              Give somebody a right in one domain, team or record, or deny what a role gives there.
            </EmptyState>
          ) : (
            <EmptyState title="Nothing is given or denied to this one">
              The id has to be whole; roles are written role:sales.
            </EmptyState>
          )
        }
      />
      <MoreRows
        count={rows.length}
        what="grants"
        hasNextPage={grants.hasNextPage}
        isFetchingNextPage={grants.isFetchingNextPage}
        fetchNextPage={grants.fetchNextPage}
      />
    </Panel>
  )
}

function columnsFor(principals: readonly PrincipalName[], mayWrite: boolean): Column<Grant>[] {
  return [
    {
      title: 'Where',
      isHeader: true,
      cell: ({ node }) => {
        const { level, depth, name } = placeOf(node)
        return (
          <span className={classes.place} data-depth={depth}>
            {level} {name !== null && <span className={text.id}>{name}</span>}
          </span>
        )
      },
    },
    {
      title: 'Effect',
      cell: ({ effect }) =>
        effect === 'allow' ? <Badge tone="good">Allows</Badge> : <Badge tone="bad">Denies</Badge>,
    },
    { title: 'Scope', cell: ({ scope }) => <span className={text.id}>{scope}</span> },
    {
      title: 'For',
      cell: ({ subject }) => {
        const known = principals.find(({ id }) => id === subject)
        return (
          <span title={subject}>
            {known ? `${known.name} ` : null}
            {known ? (
              <span className={text.soft}>{known.kind}</span>
            ) : (
              <span className={text.id}>
                {subject.startsWith('role:') ? subject : shortId(subject)}
              </span>
            )}
          </span>
        )
      },
    },
    { title: 'Since', cell: ({ createdAt }) => <Moment at={createdAt} /> },
    ...(mayWrite
      ? [
          {
            title: 'Take back',
            align: 'end' as const,
            cell: (grant: Grant) => <TakeBack grant={grant} />,
          },
        ]
      : []),
  ]
}

function TakeBack({ grant }: { grant: Grant }) {
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const { id, effect, scope, node, subject } = grant
  const what = effect === 'allow' ? 'right' : 'denial'
  return (
    <>
      <Button
        size="xs"
        variant="subtle"
        color="red"
        onClick={dialog.open}
        aria-label={`Take back ${scope} at ${node} for ${subject}`}
      >
        Take back…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Take the ${what} back`}
        confirm={`Take the ${what} back`}
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => deleteGrant(id), `The ${what} ends within five seconds.`, dialog.close)
        }
      >
        <p className={text.text}>
          <code>{scope}</code> at <code>{node}</code> for <code>{subject}</code>.{' '}
          {effect === 'allow'
            ? 'What their roles give, and other rights, stay.'
            : 'What their roles and other rights give there holds again.'}
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
