import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  AREA,
  mergePeople,
  type Brief,
  type Preview,
} from '#console/pages/people/people.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { describeMoved } from '#console/pages/people/UnmergeButton.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Merging two people once it is said what moves, and that it can be undone. */
export function MergeButton({
  stays,
  goes,
  preview,
  isPermitted,
  onDone,
}: {
  stays: Brief
  goes: Brief
  preview: Preview
  isPermitted: boolean
  onDone: () => void
}) {
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const [into, from] = [nameOf(stays), nameOf(goes)]
  const isRefused = preview.refusal !== null
  return (
    <>
      <Permitted isPermitted={isPermitted} scope="people:write">
        <Button disabled={!isPermitted || isRefused} onClick={dialog.open}>
          Merge…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Merge ${from} into ${into}`}
        confirm="Merge them"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => mergePeople(stays.id, goes.id),
            `${into} stands for both now. The merge log has the way back.`,
            () => {
              dialog.close()
              onDone()
            },
          )
        }
      >
        <p className={text.text}>
          {describeMoved(preview.moves)} of {from} go to {into}, who keeps their own values; gaps
          are filled. Of consents the more restrictive holds. Records at CRMs stay two.
        </p>
        <p className={text.text}>It can be undone under “Merge log”, whatever comes in between.</p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
