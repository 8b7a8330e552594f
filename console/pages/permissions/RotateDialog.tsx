import { Select } from '@mantine/core'
import { useState } from 'react'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import text from '#console/ui/Text.module.css'

const overlaps = [
  { value: '0', label: 'at once' },
  { value: '1', label: 'after an hour' },
  { value: '24', label: 'after a day' },
  { value: '168', label: 'after a week' },
  { value: '720', label: 'after 30 days' },
]

/** Another secret in place of one; for the overlap both work, so that nothing fails meanwhile. */
export function RotateDialog({
  opened,
  onClose,
  title,
  what,
  isBusy,
  onConfirm,
}: {
  opened: boolean
  onClose: () => void
  title: string
  /** What ends: `key` or `secret`. */
  what: string
  isBusy: boolean
  onConfirm: (overlapHours: number) => void
}) {
  const [hours, setHours] = useState('24')
  return (
    <ConfirmDialog
      opened={opened}
      onClose={onClose}
      title={title}
      confirm={`Make a new ${what}`}
      isBusy={isBusy}
      onConfirm={() => onConfirm(Number(hours))}
    >
      <Select
        label={`The old ${what} ends`}
        data={overlaps}
        value={hours}
        allowDeselect={false}
        onChange={(value) => setHours(value ?? '24')}
      />
      <p className={text.text}>
        {hours === '0'
          ? 'Whoever still uses the old one is refused from now on.'
          : 'Until then both work: put the new one in place meanwhile.'}
      </p>
    </ConfirmDialog>
  )
}
