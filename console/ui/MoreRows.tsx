import { Button } from '@mantine/core'
import { formatCounted } from '#console/format.ts'
import classes from './Table.module.css'

/** Below a list: how many rows there are so far, and the next page. */
export function MoreRows({
  count,
  what,
  hasNextPage,
  isFetchingNextPage,
  fetchNextPage,
}: {
  count: number
  /** The noun of the rows, in the plural. */
  what: string
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => Promise<unknown>
}) {
  if (count === 0) return null
  return (
    <div className={classes.more}>
      <span aria-live="polite">
        {formatCounted(count, what)}
        {hasNextPage ? ' so far' : ''}
      </span>
      {hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </div>
  )
}
