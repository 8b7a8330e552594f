import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconArrowsLeftRight, IconChevronRight, IconEyeOff, IconRefresh } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { formatCount } from '#console/format.ts'
import { ErrorItems } from '#console/pages/sync/ErrorItems.tsx'
import { IgnoreDialog } from '#console/pages/sync/IgnoreDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import {
  retryErrors,
  type ConnectionHealth,
  type ErrorGroup,
} from '#console/pages/sync/sync.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { useShortcuts } from '#console/ui/keyboard.ts'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Sync.module.css'

/** What someone has to see to, by cause: how many, since when, what to do, and the button that does it. */
export function ErrorGroups({ connections }: { connections: readonly ConnectionHealth[] }) {
  const groups = connections.flatMap((connection) =>
    connection.errors.map((group) => ({ connection, group })),
  )
  useShortcuts([
    {
      keys: 'r',
      label: 'Retry the focused error group',
      run: () =>
        document.activeElement
          ?.closest('[data-error-group]')
          ?.querySelector<HTMLButtonElement>('[data-retry]')
          ?.click(),
    },
  ])
  const records = groups.reduce((sum, { group }) => sum + group.count, 0)
  return (
    <Panel
      title="Errors by cause"
      hint={
        groups.length === 0
          ? undefined
          : `${formatCount(records)} records in ${formatCount(groups.length)} groups. An item closes by itself when its record succeeds.`
      }
      flush
    >
      {groups.length === 0 ? (
        <EmptyState title="No open errors">
          Every record that was sent or read has arrived. A refused one would stand here with its
          cause.
        </EmptyState>
      ) : (
        <ul className={classes.groups}>
          {groups.map(({ connection, group }) => (
            <Group
              key={`${connection.connectionId} ${group.stream} ${group.code}`}
              connection={connection}
              group={group}
            />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function Group({ connection, group }: { connection: ConnectionHealth; group: ErrorGroup }) {
  const { can } = useSession()
  const [isOpen, { toggle }] = useDisclosure()
  const [isIgnoring, ignoring] = useDisclosure()
  const itemsId = useId()
  const mayWrite = can('sync:write')
  const { stream, code, title, whatToDo, fixedBy, count, oldestAt, property } = group
  const key = { connectionId: connection.connectionId, stream, code }
  const retry = useAction(
    () => retryErrors(key),
    (items) => `${formatCount(items)} records go into the next run of ${connection.name}.`,
  )
  return (
    <li className={classes.group} data-error-group>
      <div className={classes.groupMain}>
        <h3 className={classes.groupTitle}>
          <button
            type="button"
            className={classes.groupToggle}
            aria-expanded={isOpen}
            aria-controls={itemsId}
            onClick={toggle}
            data-row-link
          >
            <IconChevronRight size={15} stroke={2} aria-hidden />
            {title}
          </button>
        </h3>
        <p className={classes.groupTodo}>{whatToDo}</p>
        <p className={classes.soft}>
          {connection.name} · {stream} · <code>{code}</code> · usually fixed by {fixedBy}
        </p>
      </div>
      <dl className={classes.groupFigures}>
        <div>
          <dt>Records</dt>
          <dd>{formatCount(count)}</dd>
        </div>
        <div>
          <dt>Oldest</dt>
          <dd>
            <Moment at={oldestAt} />
          </dd>
        </div>
      </dl>
      <div className={classes.groupActions}>
        {property !== null && (
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconArrowsLeftRight size={14} />}
            renderRoot={(props) => (
              <Link
                {...props}
                to="/connections/$connectionId/streams/$stream"
                params={{ connectionId: connection.connectionId, stream }}
                search={{ property }}
              />
            )}
          >
            Edit mapping
          </Button>
        )}
        <Permitted isPermitted={mayWrite} scope="sync:write">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} />}
            disabled={!mayWrite}
            loading={retry.isPending}
            onClick={() => retry.mutate()}
            data-retry
          >
            Retry {formatCount(count)}
          </Button>
        </Permitted>
        <Permitted isPermitted={mayWrite} scope="sync:write">
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconEyeOff size={14} />}
            disabled={!mayWrite}
            onClick={ignoring.open}
          >
            Ignore…
          </Button>
        </Permitted>
      </div>
      <div id={itemsId} className={classes.groupItems} hidden={!isOpen}>
        {isOpen && <ErrorItems group={key} title={title} />}
      </div>
      <IgnoreDialog
        opened={isIgnoring}
        onClose={ignoring.close}
        group={key}
        count={count}
        title={title}
      />
    </li>
  )
}
