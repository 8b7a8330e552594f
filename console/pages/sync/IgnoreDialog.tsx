import { Button, Group, Modal, Textarea } from '@mantine/core'
import { useState } from 'react'
import { formatCount } from '#console/format.ts'
import { ignoreErrors, type GroupKey } from '#console/pages/sync/sync.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import classes from './Sync.module.css'

/** Setting a cause aside takes a reason, which is kept with the items and in the audit log. */
export function IgnoreDialog({
  opened,
  onClose,
  group,
  count,
  title,
}: {
  opened: boolean
  onClose: () => void
  group: GroupKey
  count: number
  title: string
}) {
  const [reason, setReason] = useState('')
  const ignore = useAction(
    () => ignoreErrors(group, reason.trim()),
    (items) => `${formatCount(items)} records are set aside.`,
  )
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={`Ignore ${formatCount(count)} records`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          ignore.mutate(undefined, { onSuccess: onClose })
        }}
      >
        <p className={classes.dialogText}>
          “{title}”. These records stay as they are in the connected system. They come back when
          they fail for another cause.
        </p>
        <Textarea
          label="Reason"
          description="Kept with the records, so that others know why."
          required
          maxLength={500}
          autosize
          minRows={2}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={reason.trim() === ''} loading={ignore.isPending}>
            Ignore {formatCount(count)} records
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
