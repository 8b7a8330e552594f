import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { approvePlan, discardPlan, type PlanDetail } from '#console/pages/sync/sync.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useStepUp } from '#console/ui/StepUp.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

type Signature = PlanDetail['signatures'][number]

/** Who has signed, and the buttons for those who may. */
export function PlanDecision({ plan }: { plan: PlanDetail }) {
  const { can } = useSession()
  const { sign, stepUp } = useSigning(plan.id)
  const discard = useAction(
    () => discardPlan(plan.id),
    'The plan is discarded. What was not written stays due: the next run plans or sends it.',
  )
  const isProposed = plan.state === 'proposed'
  const isOpen = isProposed || plan.state === 'building' || plan.state === 'approved'
  const needsNobody = plan.signatures.length === 0
  return (
    <Panel
      title="Approval"
      hint="Each domain whose records are written signs. With the last signature exactly this is written."
      flush={!needsNobody}
      actions={
        <Group gap="xs">
          {isOpen && can('sync:write') && (
            <Button
              size="xs"
              variant="default"
              loading={discard.isPending}
              onClick={() => discard.mutate()}
            >
              Discard
            </Button>
          )}
          {isProposed && needsNobody && can('sync:write') && (
            <Button size="xs" loading={stepUp.isBusy} onClick={() => sign(null)}>
              Approve
            </Button>
          )}
        </Group>
      }
    >
      {needsNobody ? (
        <p className={classes.soft}>Nobody has to sign here: whoever runs sync approves.</p>
      ) : (
        <Table
          caption="Signatures"
          rows={plan.signatures}
          columns={columnsOf(plan)}
          rowKey={({ domain }) => domain}
          empty={null}
        />
      )}
      {stepUp.dialog}
    </Panel>
  )
}

function columnsOf(plan: PlanDetail): Column<Signature>[] {
  return [
    { title: 'Domain', isHeader: true, cell: ({ domain }) => domain },
    {
      title: 'Signed',
      cell: ({ approvedAt }) =>
        approvedAt === null ? <Badge tone="warn">Not yet</Badge> : <Moment at={approvedAt} />,
    },
    {
      title: 'By',
      cell: ({ approvedBy }) => <span className={classes.id}>{approvedBy ?? '—'}</span>,
    },
    {
      title: 'Sign',
      align: 'end',
      cell: (signature) => <Sign plan={plan} signature={signature} />,
    },
  ]
}

function Sign({ plan, signature }: { plan: PlanDetail; signature: Signature }) {
  const { can } = useSession()
  const { sign, stepUp } = useSigning(plan.id)
  const { domain, approvedAt } = signature
  if (plan.state !== 'proposed' || approvedAt !== null || !can(`${domain}:approve`)) return null
  return (
    <>
      <Button size="xs" loading={stepUp.isBusy} onClick={() => sign(domain)}>
        Sign for {domain}
      </Button>
      {stepUp.dialog}
    </>
  )
}

/** Signing a plan, after the person has confirmed who they are where that was long ago. */
function useSigning(planId: string) {
  const stepUp = useStepUp()
  const queryClient = useQueryClient()
  const sign = (domain: string | null) =>
    stepUp.run(async () => {
      await approvePlan(planId, domain)
      notifications.show({
        color: 'green',
        message: domain === null ? 'Approved.' : `Signed for ${domain}.`,
      })
      await queryClient.invalidateQueries({ queryKey: ['sync'] })
    })
  return { sign, stepUp }
}
