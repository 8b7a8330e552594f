import { Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatCount } from '#console/format.ts'
import { AREA, assignConflicts } from '#console/pages/conflicts/conflicts.queries.ts'
import { usersQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'

const NOBODY = ''

/** Handing conflicts to somebody, with a time by which they are due. */
export function AssignDialog({
  opened,
  onClose,
  ids,
  onDone,
}: {
  opened: boolean
  onClose: () => void
  ids: readonly string[]
  onDone?: () => void
}) {
  const { can, principal } = useSession()
  const users = useQuery({ ...usersQuery, enabled: opened && can('users:read') })
  const [owner, setOwner] = useState<string>(principal.id)
  const [dueOn, setDueOn] = useState('')
  const change = useChange(AREA)
  const others = (users.data?.data ?? []).filter(({ id, active }) => active && id !== principal.id)
  const options = [
    { value: principal.id, label: 'Me' },
    ...others.map(({ id, name }) => ({ value: id as string, label: name })),
    { value: NOBODY, label: 'Nobody' },
  ]
  return (
    <>
      <ConfirmDialog
        opened={opened}
        onClose={onClose}
        title={
          ids.length === 1 ? 'Assign the conflict' : `Assign ${formatCount(ids.length)} conflicts`
        }
        confirm="Assign"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () =>
              assignConflicts(
                ids,
                owner === NOBODY ? null : owner,
                dueOn === '' ? null : new Date(`${dueOn}T17:00:00`),
              ),
            (count) => `${formatCount(count)} assigned.`,
            () => {
              onClose()
              onDone?.()
            },
          )
        }
      >
        <NotRead what="The people of the workspace" error={users.error} />
        <Select
          label="Owner"
          data={options}
          value={owner}
          allowDeselect={false}
          onChange={(value) => setOwner(value ?? NOBODY)}
        />
        <TextInput
          label="Due on"
          description="At 17:00 of this computer’s time. Left out, each keeps its due time."
          type="date"
          value={dueOn}
          onChange={(event) => setDueOn(event.currentTarget.value)}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
