import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { formatField } from '#console/format.ts'
import { moveBackfill, type Backfill } from '#console/pages/sync/backfills.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Pausing, going on with and giving up a backfill. */
export function BackfillActions({ backfill: { id, field, state } }: { backfill: Backfill }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange('sync')
  const name = formatField(field.replace(/^custom\./, ''))
  if (state === 'done' || state === 'cancelled') return null
  const may = can('sync:write')
  const isRunning = state === 'running'
  return (
    <Permitted isPermitted={may} scope="sync:write">
      <Group gap={4} justify="flex-end" wrap="nowrap" display="inline-flex">
        <Button
          size="xs"
          variant="default"
          disabled={!may}
          loading={change.isBusy}
          aria-label={`${isRunning ? 'Pause' : 'Resume'} the backfill of ${name}`}
          onClick={() =>
            change.run(
              () => moveBackfill(id, isRunning ? 'pause' : 'resume'),
              isRunning ? 'Paused. It goes on where it stopped.' : 'It goes on.',
            )
          }
        >
          {isRunning ? 'Pause' : 'Resume'}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={!may}
          aria-label={`Cancel the backfill of ${name}`}
          onClick={dialog.open}
        >
          Cancel…
        </Button>
      </Group>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Give up the backfill of ${name}`}
        confirm="Give it up"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => moveBackfill(id, 'cancel'),
            'It is given up. What it filled stays.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          What it filled stays. Another one of the field begins from the first record again.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </Permitted>
  )
}
