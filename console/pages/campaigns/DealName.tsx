import { useQuery } from '@tanstack/react-query'
import type { LensFields } from '#console/lens.ts'
import { dealNamesQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { useSession } from '#console/session.ts'
import classes from './DealName.module.css'

/** A deal by its name in the CRM; by the end of its id for those who may not read it, or while it is on its way. */
export function DealName({ id, name }: { id: string; name: string | undefined }) {
  if (name !== undefined && name !== '') return <span title={id}>{name}</span>
  return (
    <span className={classes.id} title={id}>
      {id.slice(0, 4)}…{id.slice(-8)}
    </span>
  )
}

/** Names of the deals that closed in the period, by id, and why there are none. */
export function useDealNames({ from, to }: Pick<LensFields, 'from' | 'to'>) {
  const { can } = useSession()
  const names = useQuery({
    ...dealNamesQuery({ from, to }),
    enabled: can('opportunities:read'),
    retry: false,
  })
  return { names: names.data ?? none, error: names.error }
}

const none: ReadonlyMap<string, string> = new Map()
