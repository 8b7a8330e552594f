import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import classes from '#console/pages/campaigns/Campaigns.module.css'

/** Opens the receipt of an amount under one model; the address then names it. */
export function CellLink({
  receipt,
  model,
  children,
}: {
  receipt: string
  model: string
  children: ReactNode
}) {
  return (
    <Link
      from="/attribution"
      to="/attribution"
      search={(search) => ({ ...search, receipt, of: model, deal: undefined })}
      resetScroll={false}
      className={classes.receiptLink}
    >
      {children}
      <span className="tl-hidden">, open the receipt</span>
    </Link>
  )
}
