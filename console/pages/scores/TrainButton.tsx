import { Button, NumberInput, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { Target } from '#domains/scoring/model.schema.ts'
import { targets } from '#console/pages/scores/score-words.ts'
import { AREA, trainModel } from '#console/pages/scores/scores.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const options = Target.options.map((value) => ({ value, label: targets[value] }))

/** Asks for a training; what comes of it is a candidate that changes nothing. */
export function TrainButton() {
  const [isOpen, dialog] = useDisclosure()
  const [target, setTarget] = useState<Target>('lead_qualified')
  const [horizonDays, setHorizonDays] = useState(90)
  const change = useChange(AREA)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Train a model…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Train a model"
        confirm="Train"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => trainModel(target, horizonDays),
            'It trains in the background and stands here as a candidate within minutes.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          It learns from what was known at a moment of each past case and is tested on later ones.
          It becomes a candidate: no score and no lead changes.
        </p>
        <Select
          label="Outcome"
          data={options}
          value={target}
          allowDeselect={false}
          onChange={(value) => setTarget(Target.parse(value))}
        />
        {target !== 'opportunity_won' && (
          <NumberInput
            label="Within days"
            description="An outcome that comes later counts as none."
            min={7}
            max={730}
            allowDecimal={false}
            value={horizonDays}
            onChange={(value) => setHorizonDays(Number(value))}
          />
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
