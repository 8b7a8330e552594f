import { IconArrowDownRight, IconArrowRight, IconArrowUpRight } from '@tabler/icons-react'
import { formatShare } from '#console/format.ts'
import classes from './Change.module.css'

/** Against the period before, with an arrow and in words: the colour only repeats it. */
export function Change({ change, previous }: { change: number | null; previous: string }) {
  if (change === null) {
    return (
      <span className={classes.change} title={`Before: ${previous}`}>
        no figure before
      </span>
    )
  }
  const way = change > 0 ? 'up' : change < 0 ? 'down' : 'same'
  const Icon = { up: IconArrowUpRight, down: IconArrowDownRight, same: IconArrowRight }[way]
  return (
    <span className={classes.change} data-way={way} title={`Before: ${previous}`}>
      <Icon size={13} stroke={2.2} aria-hidden />
      <span className="tl-hidden">{way === 'same' ? 'unchanged' : way}</span>
      {formatShare(Math.abs(change))}
    </span>
  )
}
