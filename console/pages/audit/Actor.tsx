import type { PrincipalName } from '#console/pages/permissions/principals.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import text from '#console/ui/Text.module.css'

/** Who acted: the name where one may see it, else the id. */
export function Actor({
  id,
  kind,
  principals,
}: {
  id: string
  kind: string
  principals: readonly PrincipalName[]
}) {
  const known = principals.find((one) => one.id === id)
  return (
    <span title={id}>
      {known?.name ?? <span className={text.id}>{shortId(id)}</span>}{' '}
      <span className={text.soft}>{kind.replaceAll('_', ' ')}</span>
    </span>
  )
}
