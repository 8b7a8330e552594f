import { Button, Select, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { ConsentStatus } from '#people/person.schema.ts'
import { consentStates } from '#console/pages/people/people-words.ts'
import { AREA, recordConsent } from '#console/pages/people/people.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'

const SCOPE = 'consents:write'
const statuses = ConsentStatus.options.map((value) => ({
  value,
  label: consentStates[value].label,
}))
const nothing = {
  purpose: 'marketing',
  channel: 'email',
  status: 'granted' as keyof typeof consentStates,
  page: '',
  decidedOn: '',
}

/** Writing down what a person said, with what shows that they said it. */
export function RecordConsentButton({ personId }: { personId: string }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(nothing)
  const change = useChange(AREA)
  const set = (more: Partial<typeof nothing>) => setFields({ ...fields, ...more })
  const isPermitted = can(SCOPE)
  return (
    <>
      <Permitted isPermitted={isPermitted} scope={SCOPE}>
        <Button size="xs" variant="default" disabled={!isPermitted} onClick={dialog.open}>
          Record a consent…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Record a consent"
        confirm="Record it"
        reason={{
          label: 'Proof',
          description: 'The wording, or how it was said. After a refusal a grant needs it.',
          required: fields.status === 'granted',
        }}
        isBusy={change.isBusy}
        isIncomplete={fields.purpose.trim() === '' || fields.channel.trim() === ''}
        onConfirm={(said) =>
          change.run(
            () => recordConsent(personId, toConsent(fields, said)),
            'It is recorded, and holds where the records before it let it.',
            () => {
              setFields(nothing)
              dialog.close()
            },
          )
        }
      >
        <TextInput
          label="Purpose"
          required
          maxLength={60}
          value={fields.purpose}
          onChange={(event) => set({ purpose: event.currentTarget.value })}
        />
        <TextInput
          label="Channel"
          description="email, phone, sms …, or any for all of them."
          required
          maxLength={60}
          value={fields.channel}
          onChange={(event) => set({ channel: event.currentTarget.value })}
        />
        <Select
          label="Decision"
          data={statuses}
          value={fields.status}
          allowDeselect={false}
          onChange={(value) => set({ status: ConsentStatus.parse(value) })}
        />
        <TextInput
          label="Page"
          description="Where they said it, if that was a page."
          type="url"
          value={fields.page}
          onChange={(event) => set({ page: event.currentTarget.value })}
        />
        <TextInput
          label="Decided on"
          description="At the beginning of this day, by this computer’s time; now if left out."
          type="date"
          value={fields.decidedOn}
          onChange={(event) => set({ decidedOn: event.currentTarget.value })}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

function toConsent({ purpose, channel, status, page, decidedOn }: typeof nothing, said: string) {
  const proof = {
    ...(said === '' ? {} : { text: said }),
    ...(page.trim() === '' ? {} : { page: page.trim() }),
  }
  return {
    purpose: purpose.trim(),
    channel: channel.trim(),
    status,
    ...(Object.keys(proof).length === 0 ? {} : { proof }),
    ...(decidedOn === '' ? {} : { occurredAt: new Date(`${decidedOn}T00:00:00`).toISOString() }),
  }
}
