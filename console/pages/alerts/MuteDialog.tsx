import { Radio, Select } from '@mantine/core'
import { useState } from 'react'
import type { Alert } from '#alerts/alert.schema.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import { createMute } from '#console/pages/alerts/mutes.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const spans = [
  { value: String(HOUR_MS), label: '1 hour' },
  { value: String(8 * HOUR_MS), label: '8 hours' },
  { value: String(DAY_MS), label: '1 day' },
  { value: String(7 * DAY_MS), label: '7 days' },
]

/** Telling nobody for a while; alerts are kept and shown all the same. */
export function MuteDialog({
  opened,
  onClose,
  alert,
}: {
  opened: boolean
  onClose: () => void
  alert: Alert
}) {
  const [reach, setReach] = useState('key')
  const [span, setSpan] = useState(String(8 * HOUR_MS))
  const change = useChange('alerts')
  return (
    <>
      <ConfirmDialog
        opened={opened}
        onClose={onClose}
        title="Mute"
        confirm="Mute"
        reason={{
          label: 'Note',
          description: 'Kept with the mute, so that others know why.',
          required: false,
        }}
        isBusy={change.isBusy}
        onConfirm={(note) =>
          change.run(
            () =>
              createMute({
                watch: alert.watch,
                ...(reach === 'key' ? { key: alert.key } : {}),
                until: new Date(Date.now() + Number(span)),
                note,
              }),
            'Muted. What still goes on at the end is told then.',
            onClose,
          )
        }
      >
        <p className={text.text}>
          Nobody is told until then; the alert is kept and shown here all the same.
        </p>
        <Radio.Group label="What" value={reach} onChange={setReach}>
          <Radio mt={8} value="key" label="Only this one" description={alert.summary} />
          <Radio mt={8} value="watch" label={`All of “${alert.title}”`} description={alert.watch} />
        </Radio.Group>
        <Select
          label="For"
          data={spans}
          value={span}
          allowDeselect={false}
          onChange={(value) => setSpan(value ?? String(8 * HOUR_MS))}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
