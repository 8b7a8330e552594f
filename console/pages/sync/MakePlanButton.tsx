import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { makePlan } from '#console/pages/sync/call-plan.queries.ts'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Asks for a plan of what the next run would write, and leads to it. */
export function MakePlanButton({
  connectionId,
  name,
  isPaused,
}: {
  connectionId: string
  name: string
  isPaused: boolean
}) {
  const { can } = useSession()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange('sync')
  const may = can('sync:write')
  return (
    <>
      <Permitted isPermitted={may} scope="sync:write">
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={!may || isPaused}
          onClick={dialog.open}
        >
          Make a change plan…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Plan what ${name} would get`}
        confirm="Make the plan"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            async () => {
              const planId = await makePlan(connectionId)
              await navigate({ to: '/sync/plans/$planId', params: { planId } })
            },
            'The plan is being made.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          A run takes in what changed there and goes the whole way of sending but for the write
          itself. Until the plan is approved or discarded nothing is written there, and nothing is
          lost: what changes meanwhile stays due.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
