import { Skeleton } from '@mantine/core'
import classes from './PageSkeleton.module.css'

/** The outline of a page while its figures are on their way. */
export function PageSkeleton() {
  return (
    <div aria-busy className={classes.page}>
      <span className="tl-hidden">Loading</span>
      <Skeleton height={26} width={220} />
      <Skeleton height={14} width={340} />
      <div className={classes.cards}>
        {[0, 1, 2, 3].map((card) => (
          <Skeleton key={card} height={92} />
        ))}
      </div>
      <Skeleton height={280} />
    </div>
  )
}
