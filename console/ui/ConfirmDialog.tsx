import { Button, Group, Modal, Textarea } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import classes from './Text.module.css'

export interface ConfirmDialogProps {
  opened: boolean
  onClose: () => void
  title: string
  /** What will happen, and what will not. */
  children: ReactNode
  /** On the button. */
  confirm: string
  /** Its width in pixels, for what is more than a few sentences. */
  size?: number
  /** Asks for words that are kept with the act. */
  reason?: { label: string; description: string; required: boolean }
  isBusy: boolean
  isGrave?: boolean
  /** Something else on the form is not filled in yet. */
  isIncomplete?: boolean
  onConfirm: (reason: string) => void
}

/** What an act does, said before it is done. */
export function ConfirmDialog({
  opened,
  onClose,
  title,
  children,
  confirm,
  size,
  reason,
  isBusy,
  isGrave = false,
  isIncomplete = false,
  onConfirm,
}: ConfirmDialogProps) {
  const [text, setText] = useState('')
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      {...(size === undefined ? {} : { size })}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          onConfirm(text.trim())
        }}
      >
        {children}
        {reason && (
          <Textarea
            label={reason.label}
            description={reason.description}
            required={reason.required}
            maxLength={1000}
            autosize
            minRows={2}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            color={isGrave ? 'red.9' : 'iris'}
            loading={isBusy}
            disabled={isIncomplete || (reason?.required === true && text.trim() === '')}
          >
            {confirm}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
