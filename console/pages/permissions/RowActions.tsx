import { Button, Group } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { AREA } from '#console/pages/permissions/access.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

/** Edit and delete of a row; what goes with it is said before it is deleted. */
export function RowActions({
  kind,
  name,
  onEdit,
  onDelete,
  children,
}: {
  /** One word, such as `role`. */
  kind: string
  name: string
  onEdit: () => void
  onDelete: () => Promise<unknown>
  children: ReactNode
}) {
  const [isDeleting, setDeleting] = useState(false)
  const change = useChange(AREA)
  const close = () => setDeleting(false)
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Button size="xs" variant="subtle" color="gray" onClick={onEdit} aria-label={`Edit ${name}`}>
        Edit…
      </Button>
      <Button
        size="xs"
        variant="subtle"
        color="red"
        onClick={() => setDeleting(true)}
        aria-label={`Delete ${name}`}
      >
        Delete…
      </Button>
      <ConfirmDialog
        opened={isDeleting}
        onClose={close}
        title={`Delete the ${kind} ${name}`}
        confirm={`Delete the ${kind}`}
        isGrave
        isBusy={change.isBusy}
        onConfirm={() => change.run(onDelete, `The ${kind} is deleted.`, close)}
      >
        {children}
      </ConfirmDialog>
      {change.dialog}
    </Group>
  )
}
