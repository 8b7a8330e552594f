import { Button, Group } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { FollowUp } from '#console/pages/leads/inbox-columns.tsx'
import { taskStates } from '#console/pages/leads/lead-words.ts'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import { AREA, closeTask, tasksQuery, type LeadTask } from '#console/pages/leads/leads.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** The follow-ups of a lead, the newest first, and how the open one ends. */
export function LeadTasks({ leadId }: { leadId: string }) {
  const { can } = useSession()
  const isOpen = can('tasks:read')
  const tasks = useInfiniteQuery({ ...tasksQuery(leadId), enabled: isOpen })
  return (
    <Panel
      title="Follow-up"
      hint="Made when the lead qualifies, as its routing rule says; past its time it is escalated, once."
      flush={isOpen}
    >
      {isOpen ? (
        <PagedTable<LeadTask>
          query={tasks}
          caption="Follow-ups of the lead"
          what="follow-ups"
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No follow-up">
              One is made when the lead qualifies, if its routing rule asks for it.
            </EmptyState>
          }
        />
      ) : (
        <LockedNote what="Follow-ups" scope="tasks:read" />
      )}
    </Panel>
  )
}

const columns: Column<LeadTask>[] = [
  {
    title: 'State',
    isHeader: true,
    cell: ({ state }) => <Badge tone={taskStates[state].tone}>{taskStates[state].label}</Badge>,
  },
  { title: 'Owner', cell: ({ ownerId }) => <LeadOwner ownerId={ownerId} /> },
  {
    title: 'Due',
    cell: ({ state, dueAt }) =>
      state === 'open' ? <FollowUp dueAt={dueAt} /> : <Moment at={dueAt} />,
  },
  {
    title: 'Escalated',
    cell: ({ escalatedAt }) => <Moment at={escalatedAt} none="No" />,
  },
  {
    title: 'Ended',
    align: 'end',
    cell: (task) => (task.state === 'open' ? <End task={task} /> : <Moment at={task.closedAt} />),
  },
]

function End({ task: { id } }: { task: LeadTask }) {
  const { can } = useSession()
  const change = useChange(AREA)
  const isPermitted = can('tasks:write')
  const end = (state: 'done' | 'cancelled', said: string) =>
    change.run(() => closeTask(id, state), said)
  return (
    <Permitted isPermitted={isPermitted} scope="tasks:write">
      <Group gap={4} justify="flex-end" wrap="nowrap" className={text.soft ?? ''}>
        <Button
          size="compact-xs"
          variant="default"
          disabled={!isPermitted}
          loading={change.isBusy}
          onClick={() => end('done', 'The follow-up is done.')}
        >
          Done
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          disabled={!isPermitted}
          loading={change.isBusy}
          onClick={() => end('cancelled', 'The follow-up is cancelled.')}
        >
          Cancel it
        </Button>
        {change.dialog}
      </Group>
    </Permitted>
  )
}
