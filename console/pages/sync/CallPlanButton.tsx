import { Button, Modal, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { formatCount } from '#console/format.ts'
import { callPlanQuery, type CallPlan } from '#console/pages/sync/call-plan.queries.ts'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** How many calls the next run will make, before it is let loose; no call is made for it. */
export function CallPlanButton({ connectionId, name }: { connectionId: string; name: string }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const may = can('connections:read')
  return (
    <>
      <Permitted isPermitted={may} scope="connections:read">
        <Button size="xs" variant="subtle" color="gray" disabled={!may} onClick={dialog.open}>
          Calls…
        </Button>
      </Permitted>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title={`Calls to ${name}`}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {isOpen && <Plan connectionId={connectionId} />}
      </Modal>
    </>
  )
}

function Plan({ connectionId }: { connectionId: string }) {
  const plan = useQuery(callPlanQuery(connectionId))
  if (plan.isError) return <Problem error={plan.error} />
  if (!plan.data) return <Skeleton height={220} />
  const { today, nextRun, allowance } = plan.data
  const aDay = new Map(allowance.recordsADay?.map(({ stream, records }) => [stream, records]))
  return (
    <div className={text.form}>
      <dl className={text.facts}>
        <div>
          <dt>Today</dt>
          <dd>
            {today.allowed === null ? (
              'No allowance is set'
            ) : (
              <Meter share={today.taken / today.allowed} mark={0.8}>
                {formatCount(today.taken)} of {formatCount(today.allowed)}
              </Meter>
            )}
          </dd>
        </div>
        <div>
          <dt>Begins anew</dt>
          <dd>
            <Moment at={today.resetsAt} />
          </dd>
        </div>
        <div>
          <dt>Least that works</dt>
          <dd>{formatCount(allowance.leastCalls)} calls a day</dd>
        </div>
        <div>
          <dt>The next run makes</dt>
          <dd>
            {formatCount(nextRun.calls)} calls, {formatCount(nextRun.checkCalls)} more to read back
          </dd>
        </div>
        <div>
          <dt>It takes</dt>
          <dd>
            {allowance.warning !== null
              ? 'for ever, with the allowance as it is'
              : nextRun.days === null
                ? 'one go: no allowance is set'
                : nextRun.days === 1
                  ? 'today'
                  : `${formatCount(nextRun.days)} days within the allowance`}
          </dd>
        </div>
      </dl>
      {allowance.warning !== null && <p className={text.text}>{allowance.warning}</p>}
      <p className={text.soft}>
        {formatCount(nextRun.base)} calls are made in any case,{' '}
        {nextRun.baseFrom === 'assumed' ? 'as assumed' : 'as the last run without changes did'}.
      </p>
      <Table
        caption="Calls of the next run, by stream"
        rows={nextRun.streams}
        columns={allowance.recordsADay === null ? columns : [...columns, aDayColumn(aDay)]}
        rowKey={({ stream }) => stream}
        empty={<EmptyState title="Nothing is due to be sent" />}
      />
    </div>
  )
}

const columns: Column<CallPlan['nextRun']['streams'][number]>[] = [
  { title: 'Stream', isHeader: true, cell: ({ stream }) => stream },
  { title: 'New there', align: 'end', cell: ({ newThere }) => formatCount(newThere) },
  { title: 'Changed', align: 'end', cell: ({ changed }) => formatCount(changed) },
  { title: 'Calls', align: 'end', cell: ({ calls }) => formatCount(calls) },
  {
    title: 'To check',
    align: 'end',
    hint: 'To read back what was written',
    cell: ({ checkCalls }) => formatCount(checkCalls),
  },
]

const aDayColumn = (
  aDay: ReadonlyMap<string, number>,
): Column<CallPlan['nextRun']['streams'][number]> => ({
  title: 'A day',
  align: 'end',
  hint: 'About how many records get through a day within the allowance, if this stream alone has some',
  cell: ({ stream }) => {
    const records = aDay.get(stream)
    return records === undefined ? '—' : formatCount(records)
  },
})
