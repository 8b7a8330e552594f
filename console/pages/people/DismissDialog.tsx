import { Select } from '@mantine/core'
import { useState } from 'react'
import { DismissalReason } from '#people/duplicate.schema.ts'
import { formatCount } from '#console/format.ts'
import { dismissals } from '#console/pages/people/people-words.ts'
import { AREA, dismissPairs, type Reason } from '#console/pages/people/people.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const reasons = DismissalReason.options.map((value) => ({ value, label: dismissals[value] }))

/** Saying that pairs are two people each, and why; open while there are pairs. */
export function DismissDialog({
  ids,
  onClose,
  onDone,
}: {
  ids: readonly string[]
  onClose: () => void
  onDone?: () => void
}) {
  const [reason, setReason] = useState<Reason>('different_people')
  const change = useChange(AREA)
  const count = ids.length === 1 ? 'the pair' : `${formatCount(ids.length)} pairs`
  return (
    <>
      <ConfirmDialog
        opened={ids.length > 0}
        onClose={onClose}
        title="Not the same"
        confirm={`Keep ${count} apart`}
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => dismissPairs(ids, reason),
            (dismissed) => `${formatCount(dismissed)} kept apart.`,
            () => {
              onClose()
              onDone?.()
            },
          )
        }
      >
        <p className={text.text}>
          They are never offered again, nor is anybody who stands for one of them after a merge. No
          record changes. Who knows better later can still merge them from their pages.
        </p>
        <Select
          label="Reason"
          data={reasons}
          value={reason}
          allowDeselect={false}
          onChange={(value) => setReason(DismissalReason.parse(value))}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
