import { formatCount, formatCounted } from '#console/format.ts'
import { AREA, resolveConflicts } from '#console/pages/conflicts/conflicts.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import classes from '#console/ui/Text.module.css'

/** Deciding many alike: how many, and that it can be taken back. */
export function BulkDialog({
  choice,
  onClose,
  ids,
  onDone,
}: {
  choice: 'hub' | 'crm' | null
  onClose: () => void
  ids: readonly string[]
  onDone: () => void
}) {
  const change = useChange(AREA)
  const side = choice === 'hub' ? 'hub’s' : 'CRM’s'
  const count = formatCounted(ids.length, 'conflicts')
  return (
    <>
      <ConfirmDialog
        opened={choice !== null}
        onClose={onClose}
        title={`Decide ${count} for the ${side} value`}
        confirm={`Decide ${count}`}
        reason={{ label: 'Note', description: 'Kept with each decision.', required: false }}
        isBusy={change.isBusy}
        onConfirm={(note) =>
          change.run(
            () => resolveConflicts(ids, choice ?? 'hub', note),
            (resolved) => `${formatCount(resolved)} decided. Each can be taken back.`,
            () => {
              onClose()
              onDone()
            },
          )
        }
      >
        <p className={classes.text}>
          Each record gets the {side} value on both sides: here at once, in the CRM with the next
          run. If one of them was decided meanwhile, none is. Each decision can be taken back under
          “Decided here”.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
