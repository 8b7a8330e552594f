import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { formatWord } from '#console/format.ts'
import { AREA, publishModel, type Method } from '#console/pages/attribution/attribution.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** A method that no model uses yet becomes a model of the workspace, beside the others. */
export function PublishButton({
  method,
  onDone,
}: {
  /** Null where there is none to publish. */
  method: Method | null
  /** @param model  the name that it is published under. */
  onDone?: (model: string) => void
}) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  if (method === null || !can('attribution:write')) return null
  const name = formatWord(method)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Publish {name}…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Publish ${name}`}
        confirm="Publish"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => publishModel({ name, method }),
            `${name} is published; its ledger is computed within minutes.`,
            () => {
              dialog.close()
              onDone?.(method)
            },
          )
        }
      >
        <p className={text.text}>
          {name} is kept beside the other models from now on, for every window. No other model’s
          figures move, and it can be retired.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
