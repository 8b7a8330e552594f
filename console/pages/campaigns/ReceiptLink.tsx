import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import classes from './Campaigns.module.css'

/** Opens the receipt of a figure on the page that it stands on; the address then names it. */
export function ReceiptLink({ receipt, children }: { receipt: string; children: ReactNode }) {
  return (
    <Link
      to="."
      search={(search) => ({ ...search, receipt, deal: undefined })}
      resetScroll={false}
      className={classes.receiptLink}
    >
      {children}
      <span className="tl-hidden">, open the receipt</span>
    </Link>
  )
}
