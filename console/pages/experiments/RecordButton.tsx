import { Button, NumberInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { Experiment } from '#reports/experiment.schema.ts'
import { formatShare, formatWord } from '#console/format.ts'
import { formatPercent } from '#console/pages/experiments/experiment-words.ts'
import { AREA, recordResult, type Counts } from '#console/pages/experiments/experiments.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const NOTHING: Counts = {
  peopleHeldOut: 0,
  conversionsHeldOut: 0,
  peopleOthers: 0,
  conversionsOthers: 0,
}

const inputs = [
  { name: 'peopleHeldOut', label: 'People left out' },
  { name: 'conversionsHeldOut', label: 'Conversions of those left out' },
  { name: 'peopleOthers', label: 'People of the others' },
  { name: 'conversionsOthers', label: 'Conversions of the others' },
] as const

/** Takes what was counted; the lift with its interval follows from it. */
export function RecordButton({ experiment: { id, channel } }: { experiment: Experiment }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [counts, setCounts] = useState(NOTHING)
  const change = useChange(AREA)
  const may = can('attribution:write')
  const isSound =
    counts.conversionsHeldOut >= 1 &&
    counts.conversionsOthers >= 1 &&
    counts.conversionsHeldOut <= counts.peopleHeldOut &&
    counts.conversionsOthers <= counts.peopleOthers
  return (
    <>
      <Permitted isPermitted={may} scope="attribution:write">
        <Button size="xs" h={30} disabled={!may} onClick={dialog.open}>
          Record the result…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Result of the test of ${formatWord(channel)}`}
        confirm="Record it"
        isBusy={change.isBusy}
        isIncomplete={!isSound}
        onConfirm={() =>
          change.run(
            () => recordResult(id, counts),
            'The result is kept. Data-driven models are fitted again with it.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          Count the same conversions over the same days on both sides. A result is never changed:
          data-driven models are fitted with it, and credit moves.
        </p>
        <div className={text.fields}>
          {inputs.map(({ name, label }) => (
            <NumberInput
              key={name}
              label={label}
              required
              min={name.startsWith('people') ? 1 : 0}
              max={1_000_000_000}
              allowDecimal={false}
              thousandSeparator=","
              value={counts[name] === 0 ? '' : counts[name]}
              onChange={(value) => setCounts({ ...counts, [name]: Number(value) })}
            />
          ))}
        </div>
        <output className={text.text}>{isSound ? describe(counts) : ASK}</output>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

const ASK = 'At least one conversion on either side, and no more conversions than people.'

function describe(counts: Counts): string {
  const without = counts.conversionsHeldOut / counts.peopleHeldOut
  const others = counts.conversionsOthers / counts.peopleOthers
  return `${formatShare(without)} without the channel, ${formatShare(others)} with it: ${formatPercent(1 - without / others)} is missing without it.`
}
