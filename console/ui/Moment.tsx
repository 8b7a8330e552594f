import { useEffect, useState } from 'react'
import { MINUTE_MS } from '#core/time.ts'
import { formatInstant, formatRelative } from '#console/format.ts'
import { useSession } from '#console/session.ts'

/** How long ago, or until when; the moment itself, in the time zone of the workspace, on hover and for machines. */
export function Moment({ at, none = '—' }: { at: Date | null; none?: string }) {
  const { timeZone } = useSession()
  const nowMs = useNowMs()
  if (at === null) return <span>{none}</span>
  return (
    <time dateTime={at.toISOString()} title={formatInstant(at, timeZone)}>
      {formatRelative(at, nowMs)}
    </time>
  )
}

/** The present, anew each minute. */
export function useNowMs(): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), MINUTE_MS)
    return () => clearInterval(timer)
  }, [])
  return nowMs
}
