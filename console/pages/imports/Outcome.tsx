import type { Import } from '#imports/import.schema.ts'
import { formatCount, formatShare } from '#console/format.ts'
import { isMoving } from '#console/pages/imports/imports.queries.ts'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

/** How far it is, and what became of the rows so far. */
export function Outcome({ one }: { one: Import }) {
  const { state, progress, counts, error, startedAt, endedAt } = one
  return (
    <>
      <Panel title="How far it is">
        <div className={text.form}>
          <output>
            <Meter share={progress} tone={error === null ? undefined : 'bad'}>
              {formatShare(progress)} of the file read
              {isMoving(state) && '; it goes on also when you leave'}
            </Meter>
          </output>
          {error !== null && (
            <p className={text.text}>
              <strong>{error.detail}</strong> <span className={text.id}>{error.code}</span> Go on
              once that is settled: it begins after its last row.
            </p>
          )}
          <p className={text.soft}>
            Started <Moment at={startedAt} none="not yet" />
            {endedAt !== null && (
              <>
                , ended <Moment at={endedAt} />
              </>
            )}
          </p>
        </div>
      </Panel>
      <Figures>
        <Figure label="Rows read">{formatCount(counts.read)}</Figure>
        <Figure label="Made new">{formatCount(counts.created)}</Figure>
        <Figure label="Changed">{formatCount(counts.updated)}</Figure>
        <Figure label="Unchanged" definition="Known as they are, or taken by an earlier import">
          {formatCount(counts.unchanged)}
        </Figure>
        <Figure label="Rejected">{formatCount(counts.rejected)}</Figure>
      </Figures>
    </>
  )
}
