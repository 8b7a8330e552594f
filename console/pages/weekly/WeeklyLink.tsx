import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import classes from '#console/pages/campaigns/Campaigns.module.css'

/** Opens a figure of the week to its records; the address then names it. */
export function WeeklyLink({ receipt, children }: { receipt: string; children: ReactNode }) {
  return (
    <Link
      from="/reports/weekly/$reportId"
      to="/reports/weekly/$reportId"
      search={(search) => ({ ...search, receipt, deal: undefined })}
      resetScroll={false}
      className={classes.receiptLink}
    >
      {children}
      <span className="tl-hidden">, open the receipt</span>
    </Link>
  )
}
