import { Checkbox, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatWord } from '#console/format.ts'
import { eventsQuery } from '#console/pages/webhooks/webhooks.queries.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Webhooks.module.css'

/** What an endpoint is told of: all, whole kinds, or single events with what they mean. */
export function EventPicker({
  value,
  onChange,
}: {
  value: readonly string[]
  onChange: (events: string[]) => void
}) {
  const events = useQuery(eventsQuery)
  if (events.isError) return <Problem error={events.error} />
  if (!events.data) return <Skeleton height={180} />
  const isAll = value.includes('*')
  const kinds = Map.groupBy(events.data, ({ event }) => event.split('.')[0] ?? '')
  const toggle = (name: string, isOn: boolean, without: readonly string[] = []) => {
    const rest = value.filter((one) => one !== name && !without.includes(one))
    onChange(isOn ? [...rest, name] : rest)
  }
  return (
    <fieldset className={classes.picker}>
      <legend className={classes.legend}>Tell it of</legend>
      <Checkbox
        label="Everything, also what is added later"
        checked={isAll}
        onChange={(event) => onChange(event.currentTarget.checked ? ['*'] : [])}
      />
      {!isAll && (
        <ul className={classes.kinds} aria-label="Kinds of events">
          {[...kinds].map(([kind, members]) => {
            const whole = `${kind}.*`
            const names = members.map(({ event }) => event)
            const isWhole = value.includes(whole)
            return (
              <li key={kind}>
                <Checkbox
                  label={`All of ${formatWord(kind).toLowerCase()}`}
                  checked={isWhole}
                  indeterminate={!isWhole && names.some((name) => value.includes(name))}
                  onChange={(event) => toggle(whole, event.currentTarget.checked, names)}
                />
                {!isWhole && (
                  <ul className={classes.members} aria-label={`Events of ${formatWord(kind)}`}>
                    {members.map(({ event: name, meaning }) => (
                      <li key={name}>
                        <Checkbox
                          size="xs"
                          label={
                            <>
                              <span className={text.id}>{name}</span> {meaning}
                            </>
                          }
                          checked={value.includes(name)}
                          onChange={(event) => toggle(name, event.currentTarget.checked)}
                        />
                      </li>
                    ))}
                  </ul>
                )}
              </li>
            )
          })}
        </ul>
      )}
    </fieldset>
  )
}
