import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { BulkActs } from '#console/pages/leads/BulkActs.tsx'
import { DispositionDialog } from '#console/pages/leads/DispositionDialog.tsx'
import { inboxColumns } from '#console/pages/leads/inbox-columns.tsx'
import {
  leadsQuery,
  listMatching,
  MOST_AT_ONCE,
  type LeadRow,
  type Verdict,
} from '#console/pages/leads/leads.queries.ts'
import type { LeadsSearch } from '#console/pages/leads/leads.search.ts'
import { RerouteDialog } from '#console/pages/leads/RerouteDialog.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { useShortcuts } from '#console/ui/keyboard.ts'
import { PagedTable } from '#console/ui/PagedTable.tsx'

const clickIn = (selector: string) => () =>
  document.activeElement?.closest('tr')?.querySelector<HTMLElement>(selector)?.click()

/** An act that waits for its dialog. */
export type InboxAct = { lead: LeadRow; kind: Verdict | 'reroute' }

/** The leads of one tab; those who may decide do so in the row. */
export function LeadInbox({ search, email }: { search: LeadsSearch; email: string | undefined }) {
  const { can } = useSession()
  const leads = useInfiniteQuery(leadsQuery(search, email))
  const [act, setAct] = useState<InboxAct | null>(null)
  useShortcuts([
    { keys: 'a', label: 'Accept the focused lead', run: clickIn('[data-accept]') },
    { keys: 'r', label: 'Reject the focused lead', run: clickIn('[data-reject]') },
    { keys: 'x', label: 'Select the focused lead', run: clickIn('[data-select]') },
    { keys: 'e', label: 'Give the focused lead to another', run: clickIn('[data-reroute]') },
  ])
  const close = () => setAct(null)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [isLoadingAll, setLoadingAll] = useState(false)
  const [failure, setFailure] = useState<Error | null>(null)
  const mayWrite = can('leads:write')
  const toggle = (id: string) =>
    setChosen((known) => (known.has(id) ? without(known, id) : new Set([...known, id])))
  const selectAll = async () => {
    setLoadingAll(true)
    try {
      setChosen(new Set(await listMatching(search, email)))
      setFailure(null)
    } catch (thrown) {
      setFailure(thrown as Error)
    } finally {
      setLoadingAll(false)
    }
  }
  const rows = leads.data?.pages.flatMap(({ data }) => data) ?? []
  const isAll = !leads.hasNextPage && chosen.size >= rows.length
  return (
    <>
      {failure && <Problem error={failure} />}
      <PagedTable<LeadRow>
        query={leads}
        caption="Leads"
        what="leads"
        columns={inboxColumns(mayWrite ? setAct : null, { chosen, toggle })}
        rowKey={({ id }) => id}
        empty={<NoLeads search={search} email={email} />}
      />
      {chosen.size > 0 && (
        <BulkActs
          ids={[...chosen]}
          onAll={isAll || chosen.size >= MOST_AT_ONCE ? null : () => void selectAll()}
          isLoadingAll={isLoadingAll}
          onDone={() => setChosen(new Set())}
        />
      )}
      <DispositionDialog
        lead={act?.kind === 'reroute' ? null : (act?.lead ?? null)}
        verdict={act?.kind === 'reject' ? 'reject' : 'accept'}
        onClose={close}
      />
      <RerouteDialog lead={act?.kind === 'reroute' ? act.lead : null} onClose={close} />
    </>
  )
}

function without(known: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...known].filter((each) => each !== id))
}

const emptyTabs = {
  new: {
    title: 'Nothing new',
    text: 'Every lead is decided. New ones come by forms, imports and CRMs: POST /api/v1/integrations/sales/leads.',
  },
  unassigned: {
    title: 'Every lead has an owner',
    text: 'Leads stand here when no routing rule could give them to anybody who is available.',
  },
  overdue: {
    title: 'Nothing is overdue',
    text: 'Follow-ups stand here once the time that the routing rule gives them is over.',
  },
  all: {
    title: 'No leads yet',
    text: 'Send the first one to POST /api/v1/integrations/sales/leads, or connect a CRM under Sync health.',
  },
} as const

function NoLeads({
  search: { view = 'new', owner, mql, least },
  email,
}: {
  search: LeadsSearch
  email: string | undefined
}) {
  if ([email, owner, mql, least].some((value) => value !== undefined))
    return (
      <EmptyState title="No lead matches">
        Remove a filter, or look under “All”. Only whole e-mail addresses are found.
      </EmptyState>
    )
  return <EmptyState title={emptyTabs[view].title}>{emptyTabs[view].text}</EmptyState>
}
