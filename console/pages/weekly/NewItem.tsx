import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { OwnerSelect } from '#console/pages/weekly/OwnerSelect.tsx'
import { AREA, addItem } from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { useChange } from '#console/ui/use-change.ts'
import classes from './Weekly.module.css'

/** Puts a decision on the agenda. */
export function NewItem({ reportId }: { reportId: string }) {
  const { can } = useSession()
  const [title, setTitle] = useState('')
  const [ownerId, setOwnerId] = useState<string | null>(null)
  const change = useChange(AREA)
  if (!can('reports:write')) return <LockedNote what="Adding to the agenda" scope="reports:write" />
  return (
    <form
      className={classes.newItem}
      onSubmit={(event) => {
        event.preventDefault()
        change.run(
          () => addItem(reportId, { title: title.trim(), ownerId }),
          'It is on the agenda.',
          () => {
            setTitle('')
            setOwnerId(null)
          },
        )
      }}
    >
      <div className={classes.grow}>
        <TextInput
          label="To be decided"
          placeholder="Raise the webinar budget?"
          maxLength={300}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
      </div>
      {can('owners:read') && <OwnerSelect label="Owner" value={ownerId} onChange={setOwnerId} />}
      <Button type="submit" variant="default" loading={change.isBusy} disabled={!title.trim()}>
        Add to the agenda
      </Button>
      {change.dialog}
    </form>
  )
}
