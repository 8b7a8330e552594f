import { Link } from '@tanstack/react-router'
import type { Column } from '#console/ui/Table.tsx'

/** The column that names a deal and opens it. */
export const dealColumn: Column<{ opportunityId: string; name: string }> = {
  title: 'Deal',
  isHeader: true,
  cell: ({ opportunityId, name }) => (
    <Link
      to="/scores/deals/$opportunityId"
      params={{ opportunityId }}
      className="tl-link"
      data-row-link
    >
      {name}
    </Link>
  ),
}
