import { Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

/** A button that the person may not press stays, and says which scope it takes. */
export function Permitted({
  isPermitted,
  scope,
  children,
}: {
  isPermitted: boolean
  scope: string
  children: ReactNode
}) {
  if (isPermitted) return children
  return (
    <Tooltip label={`Locked for you: needs the scope ${scope}`}>
      <span>
        {children}
        <span className="tl-hidden">Locked for you: needs the scope {scope}</span>
      </span>
    </Tooltip>
  )
}
