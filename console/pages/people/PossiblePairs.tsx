import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { describeLikeness } from '#console/pages/people/people-words.ts'
import { pairsOfQuery } from '#console/pages/people/people.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const SHOWN = 3

/** Who may be the same person; nothing where nobody may. */
export function PossiblePairs({ personId }: { personId: string }) {
  const pairs = useQuery(pairsOfQuery(personId))
  if (pairs.isError) return <Problem error={pairs.error} />
  if (!pairs.data || pairs.data.length === 0) return null
  return (
    <Panel title="May be one with" hint="Compare both before you merge; a merge can be undone.">
      <ul className={text.list}>
        {pairs.data.slice(0, SHOWN).map(({ id, personId: one, person, otherPerson, reasons }) => {
          const other = one === personId ? otherPerson : person
          return (
            <li key={id}>
              <Link
                to="/people/duplicates"
                search={{ one: personId, other: other.id }}
                className="tl-link"
              >
                {nameOf(other)}
              </Link>
              : {describeLikeness(reasons).toLowerCase()}
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}
