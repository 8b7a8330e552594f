import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Permitted } from '#console/ui/Permitted.tsx'
import { formatAuc, targets } from '#console/pages/scores/score-words.ts'
import {
  AREA,
  promoteModel,
  retireModel,
  type ModelDetail,
} from '#console/pages/scores/scores.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Putting a model into use, or out of it: a person's decision, not a key's. */
export function ModelActions({ model }: { model: ModelDetail }) {
  const { can, principal } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const isInUse = model.status === 'promoted'
  if (!isInUse && model.status !== 'candidate' && model.status !== 'retired') return null
  const may = can('scoring:promote') && principal.kind === 'user'
  const leaks = model.report?.leaks.filter(({ severity }) => severity === 'suspect').length ?? 0
  return (
    <>
      <Permitted isPermitted={may} scope="scoring:promote">
        <Button
          size="xs"
          h={30}
          variant={isInUse ? 'default' : 'filled'}
          disabled={!may}
          onClick={dialog.open}
        >
          {isInUse ? 'Take out of use…' : 'Put into use…'}
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={isInUse ? 'Take the model out of use' : 'Put the model into use'}
        confirm={isInUse ? 'Take out of use' : 'Put into use'}
        isBusy={change.isBusy}
        onConfirm={() =>
          isInUse
            ? change.run(() => retireModel(model.id), 'The model is out of use.', dialog.close)
            : change.run(
                () => promoteModel(model.id),
                'The model is in use; scores follow within minutes.',
                dialog.close,
              )
        }
      >
        <p className={text.text}>
          {isInUse
            ? `“${targets[model.target]}” has no probability any more, until another model is put into use. The rule score stays.`
            : `Probabilities for “${targets[model.target]}” come from this model from now on. The model that was in use is retired and can be put back. The rule score, routing and the threshold stay as they are.`}
        </p>
        {!isInUse && (
          <p className={text.text}>
            Its back-test: rank quality {formatAuc(model.report?.backTest.quality.auc ?? null)}
            {leaks > 0 && `; ${leaks} of its columns are suspected to know the outcome`}.
          </p>
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
