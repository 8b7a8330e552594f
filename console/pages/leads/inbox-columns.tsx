import { Button, Checkbox, Group } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { formatWord } from '#console/format.ts'
import {
  describeDisposition,
  formatPoints,
  leadStates,
  verdictsOf,
} from '#console/pages/leads/lead-words.ts'
import type { InboxAct } from '#console/pages/leads/LeadInbox.tsx'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import type { LeadRow } from '#console/pages/leads/leads.queries.ts'
import { detailOf, nameOf } from '#console/pages/people/PersonName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Leads.module.css'

/** What is selected, and how that changes. */
export interface Selection {
  chosen: ReadonlySet<string>
  toggle: (id: string) => void
}

/** @param onAct  null for those who may only read. */
export function inboxColumns(
  onAct: ((act: InboxAct) => void) | null,
  selection: Selection,
): Column<LeadRow>[] {
  return onAct === null ? columns : [selectColumn(selection), ...columns, actsColumn(onAct)]
}

function selectColumn({ chosen, toggle }: Selection): Column<LeadRow> {
  return {
    title: 'Select',
    cell: (lead) => (
      <Checkbox
        size="xs"
        className={classes.above ?? ''}
        aria-label={`Select ${nameOf(lead, 'Lead')}`}
        checked={chosen.has(lead.id)}
        onChange={() => toggle(lead.id)}
        data-select
      />
    ),
  }
}

const columns: Column<LeadRow>[] = [
  {
    title: 'Lead',
    isHeader: true,
    cell: (lead) => (
      <>
        <Link to="/leads/$leadId" params={{ leadId: lead.id }} title={lead.id} data-row-link>
          {nameOf(lead, 'Lead')}
        </Link>
        {lead.isCustomer && <span className={text.soft}> · customer</span>}
        <span className={classes.reasons}>{detailOf(lead)}</span>
      </>
    ),
  },
  { title: 'Score', cell: (lead) => <Score lead={lead} /> },
  { title: 'Owner', cell: ({ ownerId }) => <LeadOwner ownerId={ownerId} /> },
  { title: 'Follow-up', cell: ({ followUpDueAt }) => <FollowUp dueAt={followUpDueAt} /> },
  {
    title: 'Came',
    cell: ({ channel, capturedAt }) => (
      <>
        <Moment at={capturedAt} />
        <br />
        <span className={text.soft}>{formatWord(channel)}</span>
      </>
    ),
  },
  {
    title: 'Status',
    cell: ({ status, disposition }) => (
      <Badge
        tone={leadStates[status].tone}
        title={disposition === null ? undefined : describeDisposition(disposition)}
      >
        {leadStates[status].label}
      </Badge>
    ),
  },
]

/** The score that counts, over what moves it most. */
function Score({ lead: { score, mqlAt, reasons } }: { lead: LeadRow }) {
  return (
    <>
      <span className={classes.score}>{score}</span>{' '}
      {mqlAt !== null && <span className={text.soft}>qualified</span>}
      <span className={classes.reasons}>
        {reasons.length === 0
          ? 'No rule gave points'
          : reasons.map(({ label, points }) => `${formatPoints(points)} ${label}`).join(' · ')}
      </span>
    </>
  )
}

/** When somebody is to follow up; late in words, not only in colour. */
export function FollowUp({ dueAt }: { dueAt: Date | null }) {
  const nowMs = useNowMs()
  if (dueAt === null) return <span className={text.soft}>None is due</span>
  if (dueAt.getTime() > nowMs) return <Moment at={dueAt} />
  return (
    <Badge tone="bad">
      Overdue: <Moment at={dueAt} />
    </Badge>
  )
}

function actsColumn(onAct: (act: InboxAct) => void): Column<LeadRow> {
  return {
    title: 'Decision',
    align: 'end',
    cell: (lead) => {
      const verdicts = verdictsOf(lead.status)
      const name = nameOf(lead, 'Lead')
      return (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          {verdicts.includes('accept') && (
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`Accept ${name}`}
              onClick={() => onAct({ lead, kind: 'accept' })}
              data-accept
            >
              Accept…
            </Button>
          )}
          {verdicts.includes('reject') && (
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`Reject ${name}`}
              onClick={() => onAct({ lead, kind: 'reject' })}
              data-reject
            >
              Reject…
            </Button>
          )}
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-label={`Give ${name} to another owner`}
            onClick={() => onAct({ lead, kind: 'reroute' })}
            data-reroute
          >
            Owner…
          </Button>
        </Group>
      )
    },
  }
}
