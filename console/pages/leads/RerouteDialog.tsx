import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  ownersQuery,
  rerouteLead,
  type LeadRow,
  type Owner,
} from '#console/pages/leads/leads.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { MASK } from '#console/ui/FieldValue.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const RULES = 'rules'

/** Giving a lead to somebody, or letting the rules choose again; open while there is a lead. */
export function RerouteDialog({
  lead,
  onClose,
}: {
  lead: Pick<LeadRow, 'id' | 'email' | 'firstName' | 'lastName' | 'ownerId'> | null
  onClose: () => void
}) {
  const { can } = useSession()
  const maySee = can('owners:read')
  const owners = useQuery({ ...ownersQuery, enabled: lead !== null && maySee })
  const [to, setTo] = useState(RULES)
  const change = useChange(AREA)
  const active = (owners.data ?? []).filter(({ active }) => active)
  const name = lead === null ? '' : nameOf(lead, 'Lead')
  return (
    <>
      <ConfirmDialog
        opened={lead !== null}
        onClose={onClose}
        title={`Who works ${name}?`}
        confirm="Give it to them"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => rerouteLead(lead?.id ?? '', to === RULES ? null : to),
            ({ routing }) => routing?.why ?? 'It has another owner.',
            () => {
              setTo(RULES)
              onClose()
            },
          )
        }
      >
        <NotRead what="Owners" error={owners.error} />
        <p className={text.text}>
          The open follow-up goes along, with the time that it has left. The lead says why it has
          its owner. When the rules choose and nobody is available, it stays with whom it is.
        </p>
        <Select
          label="Owner"
          data={[
            { value: RULES, label: 'Let the rules choose' },
            ...active.map((owner) => ({ value: owner.id as string, label: describeOwner(owner) })),
          ]}
          value={to}
          allowDeselect={false}
          searchable
          onChange={(value) => setTo(value ?? RULES)}
        />
        {!maySee && <LockedNote what="The list of owners" scope="owners:read" />}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

/** Who it is, how many leads wait there already, and whether nobody is there now. */
export function describeOwner({ id, name, openLeads, absentFrom, absentUntil }: Owner): string {
  const who = name === MASK ? shortId(id) : name
  const now = Date.now()
  const isAway =
    absentFrom !== null &&
    absentFrom.getTime() <= now &&
    (absentUntil === null || absentUntil.getTime() > now)
  return `${who}, ${openLeads} open${isAway ? ', absent' : ''}`
}
