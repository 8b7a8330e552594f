import { Button, Group, Modal, Textarea } from '@mantine/core'
import { useState } from 'react'
import type { Alert } from '#alerts/alert.schema.ts'
import { acknowledgeAlert } from '#console/pages/alerts/alerts.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import classes from './Alerts.module.css'

/** Taking an alert on: others see who is at it, and what they wrote. */
export function AcknowledgeDialog({
  opened,
  onClose,
  alert,
}: {
  opened: boolean
  onClose: () => void
  alert: Alert
}) {
  const [note, setNote] = useState('')
  const acknowledge = useAction(
    () => acknowledgeAlert(alert.id, note.trim()),
    'Others see that you are at it.',
    'alerts',
  )
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Acknowledge"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          acknowledge.mutate(undefined, { onSuccess: onClose })
        }}
      >
        <p className={classes.dialogText}>
          “{alert.summary}” It stays open until it is gone; you are told then.
        </p>
        <Textarea
          label="Note"
          description="Kept with the alert. Leave names and addresses of people out."
          maxLength={1000}
          autosize
          minRows={2}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={acknowledge.isPending}>
            Acknowledge
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
