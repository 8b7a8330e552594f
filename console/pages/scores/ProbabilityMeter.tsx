import { formatShare } from '#console/format.ts'
import { Meter } from '#console/ui/Meter.tsx'
import text from '#console/ui/Text.module.css'

/** A probability with the interval that is meant to hold the true one nine times of ten. */
export function ProbabilityMeter({
  probability,
  low,
  high,
}: {
  probability: number
  low: number
  high: number
}) {
  return (
    <Meter share={probability}>
      {formatShare(probability)}{' '}
      <span className={text.soft}>
        {formatShare(low)}–{formatShare(high)}
      </span>
    </Meter>
  )
}
