import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Experiment } from '#reports/experiment.schema.ts'
import { formatWord } from '#console/format.ts'
import { AREA, cancelExperiment } from '#console/pages/experiments/experiments.queries.ts'
import { RecordButton } from '#console/pages/experiments/RecordButton.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** How a planned experiment ends: with its result, or without one. */
export function ExperimentActions({ experiment }: { experiment: Experiment }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const may = can('attribution:write')
  return (
    <>
      <RecordButton experiment={experiment} />
      <Permitted isPermitted={may} scope="attribution:write">
        <Button size="xs" h={30} variant="default" disabled={!may} onClick={dialog.open}>
          Give up…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Give up the test of ${formatWord(experiment.channel)}`}
        confirm="Give it up"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => cancelExperiment(experiment.id), 'It is given up.', dialog.close)
        }
      >
        <p className={text.text}>
          It stays on the list without a result, and no credit moves. The channel can be tested
          again. Let those who were left out back in where the channel is run.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
