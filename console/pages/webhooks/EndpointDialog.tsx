import { Select, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { EventPicker } from '#console/pages/webhooks/EventPicker.tsx'
import { formats } from '#console/pages/webhooks/webhook-words.ts'
import type { EndpointFields } from '#console/pages/webhooks/webhooks.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'

export type EndpointForm = EndpointFields & { format: Endpoint['format'] }

const options = [
  { value: 'standard', label: formats.standard },
  { value: 'slack', label: formats.slack },
] as const

/** Where an endpoint is, what it is told of, and in what form; the form stays as it was made. */
export function EndpointDialog({
  opened,
  onClose,
  title,
  confirm,
  initial,
  isNew,
  isBusy,
  onConfirm,
}: {
  opened: boolean
  onClose: () => void
  title: string
  confirm: string
  initial: EndpointForm
  isNew: boolean
  isBusy: boolean
  onConfirm: (fields: EndpointForm) => void
}) {
  const [fields, setFields] = useState(initial)
  return (
    <ConfirmDialog
      opened={opened}
      onClose={onClose}
      title={title}
      confirm={confirm}
      isBusy={isBusy}
      isIncomplete={fields.url.trim() === '' || fields.events.length === 0}
      onConfirm={() => onConfirm({ ...fields, url: fields.url.trim() })}
    >
      <TextInput
        label="Address"
        description="https and public, unless the hub’s settings let an inner one in"
        type="url"
        required
        maxLength={2000}
        placeholder="https://example.com/throughline"
        value={fields.url}
        onChange={(event) => setFields({ ...fields, url: event.currentTarget.value })}
        data-autofocus
      />
      <Textarea
        label="What it is for"
        maxLength={500}
        autosize
        minRows={1}
        value={fields.description}
        onChange={(event) => setFields({ ...fields, description: event.currentTarget.value })}
      />
      {isNew && (
        <Select
          label="Form of the messages"
          data={options}
          value={fields.format}
          allowDeselect={false}
          onChange={(format) => setFields({ ...fields, format: format ?? 'standard' })}
        />
      )}
      <EventPicker value={fields.events} onChange={(events) => setFields({ ...fields, events })} />
    </ConfirmDialog>
  )
}
