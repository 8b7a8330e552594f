import { Button, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { dispositions } from '#domains/sales/disposition.schema.ts'
import { formatCount, formatCounted } from '#console/format.ts'
import { describeMany } from '#console/many.ts'
import {
  AREA,
  assignLeads,
  disposeLeads,
  MOST_AT_ONCE,
  ownersQuery,
  type Verdict,
} from '#console/pages/leads/leads.queries.ts'
import { describeOwner } from '#console/pages/leads/RerouteDialog.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { SelectionBar } from '#console/ui/SelectionBar.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

type Kind = Verdict | 'assign'

const words: Readonly<
  Record<Kind, { button: string; title: string; confirm: string; done: string }>
> = {
  accept: { button: 'Accept…', title: 'Accept', confirm: 'Accept', done: 'being worked' },
  reject: { button: 'Reject…', title: 'Reject', confirm: 'Reject', done: 'rejected' },
  assign: {
    button: 'Give to an owner…',
    title: 'Give to an owner:',
    confirm: 'Give to the owner',
    done: 'with the owner',
  },
}

/** What can be done with all leads that are selected; stays in sight. */
export function BulkActs({
  ids,
  onAll,
  isLoadingAll,
  onDone,
}: {
  ids: readonly string[]
  /** Selects all that match; null where they are all selected or shown. */
  onAll: (() => void) | null
  isLoadingAll: boolean
  onDone: () => void
}) {
  const [kind, setKind] = useState<Kind | null>(null)
  return (
    <SelectionBar label="Selected leads" count={ids.length} onClear={onDone}>
      {onAll !== null && (
        <Button size="xs" variant="subtle" loading={isLoadingAll} onClick={onAll}>
          Select all that match, {formatCount(MOST_AT_ONCE)} at most
        </Button>
      )}
      {(['accept', 'reject', 'assign'] as const).map((each) => (
        <Button key={each} size="xs" variant="default" onClick={() => setKind(each)}>
          {words[each].button}
        </Button>
      ))}
      <BulkDialog kind={kind} ids={ids} onClose={() => setKind(null)} onDone={onDone} />
    </SelectionBar>
  )
}

function BulkDialog({
  kind,
  ids,
  onClose,
  onDone,
}: {
  kind: Kind | null
  ids: readonly string[]
  onClose: () => void
  onDone: () => void
}) {
  const { can } = useSession()
  const maySee = can('owners:read')
  const owners = useQuery({ ...ownersQuery, enabled: kind === 'assign' && maySee })
  const [chosen, setChosen] = useState<string | null>(null)
  const change = useChange(AREA)
  const options =
    kind === null || kind === 'assign'
      ? (owners.data ?? [])
          .filter(({ active }) => active)
          .map((owner) => ({ value: owner.id as string, label: describeOwner(owner) }))
      : Object.entries<string>(dispositions[kind]).map(([value, label]) => ({ value, label }))
  const value = options.some((option) => option.value === chosen) ? chosen : null
  const count = formatCounted(ids.length, 'leads')
  const { title, confirm, done } = words[kind ?? 'accept']
  const perform = () =>
    kind === null || kind === 'assign'
      ? assignLeads(ids, value ?? '')
      : disposeLeads(ids, kind, value ?? '')
  return (
    <>
      <ConfirmDialog
        opened={kind !== null}
        onClose={onClose}
        title={`${title} ${count}`}
        confirm={`${confirm} (${formatCount(ids.length)})`}
        isBusy={change.isBusy}
        isIncomplete={value === null}
        onConfirm={() =>
          change.run(
            perform,
            (result) => describeMany(result, [`lead is ${done}`, `leads are ${done}`]),
            () => {
              setChosen(null)
              onClose()
              onDone()
            },
          )
        }
      >
        <NotRead what="Owners" error={owners.error} />
        <p className={text.text}>
          {kind === 'assign'
            ? 'Their open follow-ups go along, with the time that they have left.'
            : 'Each lead is moved for itself: one that was decided otherwise meanwhile is left as it is, and the others go on.'}
        </p>
        <Select
          key={kind}
          label={kind === 'assign' ? 'Owner' : 'Reason'}
          placeholder={kind === 'assign' ? 'Choose an owner' : 'Choose a reason'}
          required
          searchable={kind === 'assign'}
          data={options}
          value={value}
          onChange={setChosen}
          data-autofocus
        />
        {kind === 'assign' && !maySee && (
          <LockedNote what="The list of owners" scope="owners:read" />
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

/** How many, and of those that were left as they are why, the most frequent first. */
