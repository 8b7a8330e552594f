import { useDocumentTitle } from '@mantine/hooks'
import { IconChevronRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useSession } from '#console/session.ts'
import classes from './PageHead.module.css'

export interface PageHeadProps {
  title: string
  /** The page above, for detail pages. */
  parent?: {
    label: string
    to:
      | '/campaigns'
      | '/sync'
      | '/scores'
      | '/privacy'
      | '/webhooks'
      | '/imports'
      | '/people'
      | '/leads'
      | '/connections'
      | '/reports/weekly'
      | '/reports/plans'
      | '/experiments'
  }
  subtitle?: ReactNode
  /** Beside the title: states and freshness. */
  badges?: ReactNode
  /** At the right: what can be done with the page, such as export. */
  actions?: ReactNode
  /** Below: the filters, all of which live in the address. */
  filters?: ReactNode
}

/** The head that every page has in the same place: title, freshness, actions, filters. */
export function PageHead({ title, parent, subtitle, badges, actions, filters }: PageHeadProps) {
  const { name } = useSession()
  useDocumentTitle(`${title} · ${name} · Throughline`)
  return (
    <div className={classes.head}>
      {parent && (
        <nav aria-label="Breadcrumb" className={classes.crumbs}>
          <Link to={parent.to}>{parent.label}</Link>
          <IconChevronRight size={13} aria-hidden />
        </nav>
      )}
      <div className={classes.row}>
        <div className={classes.titles}>
          <h1 className={classes.title}>{title}</h1>
          {badges}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </div>
      {subtitle !== undefined && <div className={classes.subtitle}>{subtitle}</div>}
      {filters !== undefined && <div className={classes.filters}>{filters}</div>}
    </div>
  )
}
