import { Link } from '@tanstack/react-router'
import { DealName } from '#console/pages/campaigns/DealName.tsx'

/** Opens the receipt of a deal: its touches, and what each got under every model. */
export function DealLink({
  id,
  name,
  isRow = true,
}: {
  id: string
  name: string | undefined
  /** It stands for its row; false where a row has several. */
  isRow?: boolean
}) {
  return (
    <Link
      from="/attribution"
      to="/attribution"
      search={(search) => ({ ...search, deal: id, receipt: undefined })}
      resetScroll={false}
      {...(isRow ? { 'data-row-link': true } : { className: 'tl-link' })}
    >
      <DealName id={id} name={name} />
    </Link>
  )
}
