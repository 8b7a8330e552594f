import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { describeLikeness, dismissals } from '#console/pages/people/people-words.ts'
import type { Brief, Pair } from '#console/pages/people/people.queries.ts'
import { detailOf, nameOf } from '#console/pages/people/PersonName.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './People.module.css'

/** @param onDismiss  null where it is settled, or not for the person to do. */
export function pairColumns(
  status: 'open' | 'dismissed',
  onDismiss: ((id: string) => void) | null,
): Column<Pair>[] {
  return [
    {
      title: 'Pair',
      isHeader: true,
      cell: ({ person, otherPerson }) => <PairLink person={person} otherPerson={otherPerson} />,
    },
    {
      title: 'Confidence',
      cell: ({ confidence }) => <Meter share={confidence}>{confidence.toFixed(2)}</Meter>,
    },
    {
      title: 'Why',
      cell: ({ reasons }) => <span className={text.wrapped}>{describeLikeness(reasons)}</span>,
    },
    ...(status === 'open' ? openColumns(onDismiss) : decidedColumns),
  ]
}

/** Both sides over each other; opens the pair with the first as who stays. */
export function PairLink({ person, otherPerson }: { person: Brief; otherPerson: Brief }) {
  return (
    <Link
      from="/people/duplicates"
      to="/people/duplicates"
      search={(search) => ({ ...search, one: person.id, other: otherPerson.id })}
      resetScroll={false}
      data-row-link
    >
      {[person, otherPerson].map((side) => (
        <span key={side.id} className={classes.pair}>
          {nameOf(side)} <span className={text.soft}>{detailOf(side)}</span>
        </span>
      ))}
    </Link>
  )
}

function openColumns(onDismiss: ((id: string) => void) | null): Column<Pair>[] {
  const found: Column<Pair> = { title: 'Found', cell: ({ foundAt }) => <Moment at={foundAt} /> }
  if (onDismiss === null) return [found]
  return [
    found,
    {
      title: 'Decision',
      align: 'end',
      cell: ({ id, person, otherPerson }) => (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          aria-label={`${nameOf(person)} and ${nameOf(otherPerson)} are not the same`}
          onClick={() => onDismiss(id)}
          data-dismiss
        >
          Not the same…
        </Button>
      ),
    },
  ]
}

const decidedColumns: Column<Pair>[] = [
  {
    title: 'Reason',
    cell: ({ reason }) => (reason === null ? 'None was given' : dismissals[reason]),
  },
  {
    title: 'Decided',
    align: 'end',
    cell: ({ decidedAt, decidedBy }) => (
      <>
        <Moment at={decidedAt} /> <OwnerName owner={decidedBy} verb="by" />
      </>
    ),
  },
]
