import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { Import, ImportCheck } from '#imports/import.schema.ts'
import { CheckDialog } from '#console/pages/imports/CheckDialog.tsx'
import {
  AREA,
  cancelImport,
  checkImport,
  isMoving,
  startImport,
} from '#console/pages/imports/imports.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Checking without writing, starting or going on, and stopping. */
export function ImportActions({ one: { id, state, todo } }: { one: Import }) {
  const { can } = useSession()
  const [isCancelling, cancelling] = useDisclosure()
  const [check, setCheck] = useState<ImportCheck | null>(null)
  const change = useChange(AREA)
  const mayWrite = can('imports:write')
  const canGoOn = state === 'failed' || state === 'cancelled'
  if (state === 'done') return null
  return (
    <Permitted isPermitted={mayWrite} scope="imports:write">
      {state === 'uploaded' && (
        <Button
          size="xs"
          h={30}
          variant="default"
          disabled={!mayWrite || todo.length > 0}
          loading={change.isBusy}
          onClick={() =>
            change.run(
              async () => setCheck(await checkImport(id)),
              'Every row was read; nothing was written.',
            )
          }
        >
          Check
        </Button>
      )}
      {(isMoving(state) || state === 'uploaded') && (
        <Button
          size="xs"
          h={30}
          variant="subtle"
          color="red"
          disabled={!mayWrite}
          onClick={cancelling.open}
        >
          Cancel…
        </Button>
      )}
      {(state === 'uploaded' || canGoOn) && (
        <Button
          size="xs"
          h={30}
          disabled={!mayWrite || todo.length > 0}
          title={todo.length > 0 ? 'Settle first what stands below' : undefined}
          loading={change.isBusy}
          onClick={() =>
            change.run(() => startImport(id), 'The import runs; you can leave this page.')
          }
        >
          {canGoOn ? 'Go on' : 'Start'}
        </Button>
      )}
      <ConfirmDialog
        opened={isCancelling}
        onClose={cancelling.close}
        title="Cancel the import"
        confirm="Cancel the import"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => cancelImport(id), 'The import is cancelled.', cancelling.close)
        }
      >
        <p className={text.text}>
          Rows that are done stay. It can go on after them as long as the file is kept: 7 days.
        </p>
      </ConfirmDialog>
      <CheckDialog check={check} onClose={() => setCheck(null)} />
      {change.dialog}
    </Permitted>
  )
}
