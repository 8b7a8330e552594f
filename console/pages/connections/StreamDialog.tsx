import { NumberInput, Select, Textarea } from '@mantine/core'
import { useState } from 'react'
import { priorities } from '#console/pages/connections/connection-words.ts'
import {
  AREA,
  changeStream,
  type StreamRow,
} from '#console/pages/connections/connections.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

/** How often a stream runs and why that is enough, and what it has of the calls. */
export function StreamDialog({
  connectionId,
  stream,
  onClose,
}: {
  connectionId: string
  stream: StreamRow
  onClose: () => void
}) {
  const { name } = stream
  const [everyMinutes, setEveryMinutes] = useState<number | null>(stream.everyMinutes)
  const [cadenceReason, setReason] = useState(stream.cadenceReason)
  const [callPercent, setPercent] = useState(stream.callPercent)
  const [callPriority, setPriority] = useState(stream.callPriority)
  const change = useChange(AREA)
  return (
    <>
      <ConfirmDialog
        opened
        onClose={onClose}
        title={`Change ${name}`}
        confirm="Keep"
        isBusy={change.isBusy}
        isIncomplete={everyMinutes === null || cadenceReason.trim() === ''}
        onConfirm={() =>
          change.run(
            () =>
              changeStream(connectionId, name, {
                everyMinutes: everyMinutes ?? stream.everyMinutes,
                cadenceReason: cadenceReason.trim(),
                callPercent,
                callPriority,
              }),
            `${name} is changed.`,
            onClose,
          )
        }
      >
        <NumberInput
          label="Runs every so many minutes"
          required
          min={1}
          max={44_640}
          allowDecimal={false}
          value={everyMinutes ?? ''}
          onChange={(value) => setEveryMinutes(typeof value === 'number' ? value : null)}
        />
        <Textarea
          label="Why that is enough"
          description="Stands beside the cadence for whoever asks"
          required
          maxLength={500}
          autosize
          minRows={2}
          value={cadenceReason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <NumberInput
          label="Share of the calls, in percent"
          description="Of what the allowance leaves to scheduled runs, for it alone; empty: what no stream has for itself"
          min={0}
          max={100}
          allowDecimal={false}
          value={callPercent ?? ''}
          onChange={(value) => setPercent(typeof value === 'number' ? value : null)}
        />
        <Select
          label="Borrows what others left over"
          data={priorities}
          value={callPriority}
          allowDeselect={false}
          onChange={(value) =>
            setPriority(priorities.find((one) => one.value === value)?.value ?? 'normal')
          }
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
