import { Button, Radio, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { RequestKind } from '#compliance/privacy.schema.ts'
import { requestKinds } from '#console/pages/privacy/privacy-words.ts'
import { CorrectionFields } from '#console/pages/privacy/CorrectionFields.tsx'
import {
  AREA,
  createRequest,
  type Changes,
  type Kind,
} from '#console/pages/privacy/privacy.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

/** Taking a request; it changes nothing until it is approved. */
export function NewRequestButton() {
  const [isOpen, dialog] = useDisclosure()
  const [kind, setKind] = useState<Kind>('access')
  const [personId, setPersonId] = useState('')
  const [changes, setChanges] = useState<Changes>({})
  const change = useChange(AREA)
  const isCorrection = kind === 'rectification'
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Take a request…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Take a request"
        confirm="Take the request"
        reason={{
          label: 'Note',
          description:
            'How it came and how identity was proved. No personal data: it outlives an erasure.',
          required: true,
        }}
        isBusy={change.isBusy}
        isIncomplete={personId.trim() === '' || (isCorrection && Object.keys(changes).length === 0)}
        onConfirm={(note) =>
          change.run(
            () => createRequest(kind, personId.trim(), note, changes),
            'The request is taken and waits for approval.',
            () => {
              setPersonId('')
              setChanges({})
              dialog.close()
            },
          )
        }
      >
        <Radio.Group
          label="What they ask for"
          value={kind}
          onChange={(value) => setKind(RequestKind.parse(value))}
        >
          {RequestKind.options.map((value) => (
            <Radio
              key={value}
              mt={8}
              value={value}
              label={requestKinds[value].label}
              description={requestKinds[value].what}
            />
          ))}
        </Radio.Group>
        <TextInput
          label="Person"
          description="The id, per_…"
          required
          pattern="\s*per_[0-9a-zA-Z]{1,60}\s*"
          title="The id of a person, per_…"
          value={personId}
          onChange={(event) => setPersonId(event.currentTarget.value)}
        />
        {isCorrection && <CorrectionFields changes={changes} onChange={setChanges} />}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
