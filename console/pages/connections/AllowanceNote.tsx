import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { callPlanQuery } from '#console/pages/sync/call-plan.queries.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import pane from '#console/ui/Pane.module.css'

/**
 * Says that an allowance is too small for anything to be sent, and the least that works. Nothing where it is enough.
 * @param dailyCalls  one that is not set yet; null: the one that is.
 */
export function AllowanceNote({
  connectionId,
  dailyCalls = null,
}: {
  connectionId: string
  dailyCalls?: number | null
}) {
  const plan = useQuery(callPlanQuery(connectionId, dailyCalls))
  if (plan.isError) return <NotRead what="The plan of calls" error={plan.error} />
  const warning = plan.data?.allowance.warning ?? null
  if (warning === null) return null
  return (
    <output className={pane.note}>
      <IconAlertTriangle size={15} stroke={1.7} aria-hidden /> {warning}
    </output>
  )
}
