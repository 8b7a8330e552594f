import { Button, Select, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { HoldTarget } from '#compliance/hold.schema.ts'
import { formatWord } from '#console/format.ts'
import { holdTargets } from '#console/pages/privacy/privacy-words.ts'
import { AREA, placeHold, rulesQuery, type Target } from '#console/pages/privacy/privacy.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'

const targets = HoldTarget.options.map((value) => ({ value, label: holdTargets[value] }))

/** Keeping data whatever rules and requests say. */
export function NewHoldButton() {
  const [isOpen, dialog] = useDisclosure()
  const [target, setTarget] = useState<Target>('person')
  const [subject, setSubject] = useState('')
  const rules = useQuery({ ...rulesQuery, enabled: isOpen })
  const change = useChange(AREA)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Place a hold…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Place a legal hold"
        confirm="Place the hold"
        reason={{
          label: 'Reason',
          description: 'Kept with the proof. No personal data.',
          required: true,
        }}
        isBusy={change.isBusy}
        isIncomplete={subject.trim() === ''}
        onConfirm={(reason) =>
          change.run(
            () => placeHold(target, subject.trim(), reason),
            'The hold stands: no rule and no request removes what it keeps.',
            () => {
              setSubject('')
              dialog.close()
            },
          )
        }
      >
        <Select
          label="What"
          data={targets}
          value={target}
          allowDeselect={false}
          onChange={(value) => {
            setTarget(HoldTarget.parse(value))
            setSubject('')
          }}
        />
        <NotRead what="The kinds of records" error={rules.error} />
        {target === 'kind' ? (
          <Select
            label="Kind of record"
            required
            data={(rules.data?.data ?? []).map(({ kind }) => ({
              value: kind,
              label: formatWord(kind),
            }))}
            value={subject || null}
            onChange={(value) => setSubject(value ?? '')}
          />
        ) : (
          <TextInput
            label="Which"
            description={target === 'person' ? 'The id, per_…' : 'The id, acc_…'}
            required
            maxLength={64}
            value={subject}
            onChange={(event) => setSubject(event.currentTarget.value)}
          />
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
