import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatField } from '#console/format.ts'
import { Consents } from '#console/pages/people/Consents.tsx'
import { Identities } from '#console/pages/people/Identities.tsx'
import { Merges } from '#console/pages/people/Merges.tsx'
import {
  personExport,
  personQuery,
  type PersonWhole,
} from '#console/pages/people/people.queries.ts'
import { PersonHistory } from '#console/pages/people/PersonHistory.tsx'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { PersonRequests } from '#console/pages/people/PersonRequests.tsx'
import { PossiblePairs } from '#console/pages/people/PossiblePairs.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/people/$personId')

/** Who somebody is, by what names they are known, what they agreed to, what they did, and whom they stand for. */
export function PersonPage() {
  const { can } = useSession()
  const { personId } = route.useParams()
  const isOpen = can('people:read')
  const person = useQuery({ ...personQuery(personId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="People" scope="people:read" />
  if (person.isError) return <Problem error={person.error} isPage />
  const { data } = person
  if (!data) return <PageSkeleton />
  return (
    <>
      <PageHead
        parent={{ label: 'People', to: '/people' }}
        title={nameOf(data)}
        subtitle={<Standing person={data} />}
        badges={
          data.identified ? (
            <Badge tone="good">Known</Badge>
          ) : (
            <Badge tone="plain">Anonymous visitor</Badge>
          )
        }
        actions={<ExportMenu {...personExport(data.id)} />}
      />
      <PossiblePairs personId={data.id} />
      <Attributes person={data} />
      <Identities identities={data.identities} />
      <Consents person={data} />
      <PersonHistory personId={data.id} />
      <Merges
        filter={{ personId: data.id }}
        title="Merges"
        hint="Who went into this person by hand, or this person into whom. Each can be undone, the latest first."
        empty="Nobody was merged with this person by hand."
      />
      <PersonRequests personId={data.id} />
    </>
  )
}

function Standing({ person: { id, merged } }: { person: PersonWhole }) {
  return (
    <>
      <code className={text.id}>{id}</code> ·{' '}
      <Link to="/lineage" search={{ record: id }} className="tl-link">
        Lineage of a field
      </Link>
      {merged !== null && (
        <>
          {' '}
          · the address names {shortId(merged.from)}, who was merged into this person{' '}
          <Moment at={merged.at} />
        </>
      )}
    </>
  )
}

const attributes = [
  'email',
  'phone',
  'firstName',
  'lastName',
  'jobTitle',
  'company',
  'country',
] as const

function Attributes({ person }: { person: PersonWhole }) {
  const values: [string, unknown][] = [
    ...attributes.map((name): [string, unknown] => [name, person[name]]),
    ...Object.entries(person.traits),
  ]
  return (
    <Panel title="What is known" hint="The values that hold now, whichever system they came from.">
      <dl className={text.facts}>
        {values.map(([name, value]) => (
          <div key={name}>
            <dt>{formatField(name)}</dt>
            <dd>
              <FieldValue value={shown(value)} />
            </dd>
          </div>
        ))}
        <div>
          <dt>First seen</dt>
          <dd>
            <Moment at={person.createdAt} />
          </dd>
        </div>
        <div>
          <dt>Changed</dt>
          <dd>
            <Moment at={person.updatedAt} />
          </dd>
        </div>
      </dl>
    </Panel>
  )
}

function shown(value: unknown): ShownValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
    ? (value as ShownValue)
    : JSON.stringify(value)
}
