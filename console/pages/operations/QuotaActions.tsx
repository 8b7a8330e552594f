import { Button, Group, NumberInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import {
  AREA,
  liftQuota,
  setQuota,
  type QuotaRow,
} from '#console/pages/operations/operations.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

export function QuotaButton() {
  const [isOpen, dialog] = useDisclosure()
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Set a quota…
      </Button>
      <QuotaDialog opened={isOpen} onClose={dialog.close} quota={null} />
    </>
  )
}

/** Changing or lifting a quota. */
export function QuotaActions({ quota }: { quota: QuotaRow }) {
  const { can } = useSession()
  const [isEditing, editing] = useDisclosure()
  const [isLifting, lifting] = useDisclosure()
  const change = useChange(AREA)
  if (!can('quotas:write')) return null
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Button
        size="xs"
        variant="default"
        onClick={editing.open}
        aria-label={`Change the quota of ${quota.subject}`}
      >
        Change…
      </Button>
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        onClick={lifting.open}
        aria-label={`Lift the quota of ${quota.subject}`}
      >
        Lift…
      </Button>
      <QuotaDialog opened={isEditing} onClose={editing.close} quota={quota} />
      <ConfirmDialog
        opened={isLifting}
        onClose={lifting.close}
        title={`Lift the quota of ${quota.subject}`}
        confirm="Lift the quota"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => liftQuota(quota.subject), 'The quota is lifted.', lifting.close)
        }
      >
        <p className={text.text}>
          Any number of requests may be made from then on, at the rate of the key.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </Group>
  )
}

function QuotaDialog({
  opened,
  onClose,
  quota,
}: {
  opened: boolean
  onClose: () => void
  quota: QuotaRow | null
}) {
  const [subject, setSubject] = useState(quota?.subject ?? 'workspace')
  const [perDay, setPerDay] = useState<number | string>(quota?.perDay ?? '')
  const [perMonth, setPerMonth] = useState<number | string>(quota?.perMonth ?? '')
  const change = useChange(AREA)
  const numberOf = (value: number | string) => (value === '' ? null : Number(value))
  return (
    <>
      <ConfirmDialog
        opened={opened}
        onClose={onClose}
        title={quota ? `Quota of ${quota.subject}` : 'Set a quota'}
        confirm="Set the quota"
        isBusy={change.isBusy}
        isIncomplete={perDay === '' && perMonth === ''}
        onConfirm={() =>
          change.run(
            () =>
              setQuota(subject.trim(), { perDay: numberOf(perDay), perMonth: numberOf(perMonth) }),
            'The quota holds within a second or two.',
            onClose,
          )
        }
      >
        {quota === null && (
          <TextInput
            label="Of"
            description="workspace, the id of a key, client or person, or role.<name> for each person of a role"
            required
            pattern="\s*(workspace|(key|cli|usr)_[A-Za-z0-9]{1,60}|role\.[a-z][a-z0-9_-]{1,39})\s*"
            value={subject}
            onChange={(event) => setSubject(event.currentTarget.value)}
          />
        )}
        <NumberInput
          label="Requests a day"
          description="Left out: any number"
          min={1}
          allowDecimal={false}
          thousandSeparator=","
          value={perDay}
          onChange={setPerDay}
        />
        <NumberInput
          label="Requests a month"
          description="Left out: any number"
          min={1}
          allowDecimal={false}
          thousandSeparator=","
          value={perMonth}
          onChange={setPerMonth}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
