import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { OwnerSelect } from '#console/pages/weekly/OwnerSelect.tsx'
import { AREA, changeItem, type Item } from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Who looks after an item until it is done. */
export function AssignButton({ item: { id, title, ownerId } }: { item: Item }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [chosen, setChosen] = useState(ownerId)
  const change = useChange(AREA)
  const may = can('reports:write')
  return (
    <>
      <Permitted isPermitted={may} scope="reports:write">
        <Button
          size="compact-xs"
          variant="default"
          disabled={!may}
          aria-label={`Assign: ${title}`}
          onClick={() => {
            setChosen(ownerId)
            dialog.open()
          }}
        >
          Assign…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Who looks after it"
        confirm="Assign"
        isBusy={change.isBusy}
        isIncomplete={chosen === ownerId}
        onConfirm={() =>
          change.run(
            () => changeItem(id, { ownerId: chosen }),
            chosen === null ? 'Nobody has it now.' : 'It is assigned.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>{title}</p>
        <OwnerSelect label="Owner" value={chosen} onChange={setChosen} />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
