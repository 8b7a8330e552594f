import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import {
  AREA,
  disconnectionsQuery,
  settleDisconnection,
  type Disconnection,
} from '#console/pages/connections/connections.queries.ts'
import { disconnectionStates } from '#console/pages/connections/connection-words.ts'
import { vendorLabel } from '#console/pages/sync/sync-words.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Connections that are gone here, while webhooks of theirs still stand at the other side. */
export function Disconnections() {
  const disconnections = useInfiniteQuery(disconnectionsQuery())
  if (disconnections.isError)
    return <NotRead what="What is being disconnected" error={disconnections.error} />
  if (!disconnections.data?.pages.some(({ data }) => data.length > 0)) return null
  return (
    <Panel
      title="Being disconnected"
      hint="Deleted here. The webhooks that the hub made there are taken away, or are to be deleted by hand."
      flush
    >
      <PagedTable<Disconnection>
        query={disconnections}
        caption="Deleted connections whose webhooks still stand"
        what="connections"
        columns={columns}
        rowKey={({ connectionId }) => connectionId}
        empty={null}
      />
    </Panel>
  )
}

const columns: Column<Disconnection>[] = [
  {
    title: 'System',
    isHeader: true,
    cell: ({ name, vendor, address }) => (
      <>
        {name}
        <span className={text.soft}> {vendorLabel(vendor)}, webhooks to</span>
        <br />
        <span className={text.id}>{address}</span>
      </>
    ),
  },
  {
    title: 'State',
    cell: ({ state, deletedAt }) => (
      <>
        <Badge tone={disconnectionStates[state].tone}>{disconnectionStates[state].label}</Badge>
        <br />
        <span className={text.soft}>
          Deleted <Moment at={deletedAt} />
        </span>
      </>
    ),
  },
  {
    title: 'Last answer',
    cell: ({ detail }) => <span className={text.wrapped}>{detail ?? '—'}</span>,
  },
  {
    title: 'Next try',
    cell: ({ nextAttemptAt }) => <Moment at={nextAttemptAt} none="None" />,
  },
  {
    title: 'Settle',
    align: 'end',
    cell: (disconnection) => <SettleButton disconnection={disconnection} />,
  },
]

function SettleButton({
  disconnection: { connectionId, name, vendor, address, state },
}: {
  disconnection: Disconnection
}) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const may = can('connections:write')
  const system = vendorLabel(vendor)
  return (
    <>
      <Permitted isPermitted={may} scope="connections:write">
        <Button
          size="compact-xs"
          variant="default"
          disabled={!may}
          aria-label={`Settle the webhooks of ${name}…`}
          onClick={dialog.open}
        >
          Settle…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Webhooks of ${name}`}
        confirm={state === 'by_hand' ? 'They are deleted' : 'Try no more'}
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => settleDisconnection(connectionId),
            `Nothing is left of ${name}.`,
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          {state === 'by_hand'
            ? `${system} did not let the hub delete them. Delete there each webhook to this address, then say so here:`
            : `The hub goes on trying by itself. If it is to stop, its credentials are forgotten, and these webhooks stay until somebody deletes them in ${system}:`}
        </p>
        <p className={text.id}>{address}</p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
