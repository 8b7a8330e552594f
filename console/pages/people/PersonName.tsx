import { Link } from '@tanstack/react-router'
import { MASK } from '#console/ui/FieldValue.tsx'
import text from '#console/ui/Text.module.css'

export interface Named {
  id: string
  email: string | null
  firstName: string | null
  lastName: string | null
  jobTitle?: string | null
  company?: string | null
}

const isShown = (value: string | null | undefined): value is string =>
  value !== null && value !== undefined && value !== '' && value !== MASK

/** Somebody by name, else by address; by the end of their id while neither is known or shown. */
export function nameOf({ id, email, firstName, lastName }: Named, what = 'Person'): string {
  const name = [firstName, lastName].filter(isShown).join(' ')
  if (name !== '') return name
  return isShown(email) ? email : `${what} …${id.slice(-8)}`
}

/** What tells them from others of the name. */
export function detailOf(person: Named): string {
  const { email, jobTitle, company } = person
  return [nameOf(person) === email ? null : email, jobTitle, company].filter(isShown).join(' · ')
}

/** A name that leads to the person, over what tells them from others. */
export function PersonLink({ person, isRow = false }: { person: Named; isRow?: boolean }) {
  const detail = detailOf(person)
  return (
    <>
      <Link
        to="/people/$personId"
        params={{ personId: person.id }}
        className="tl-link"
        title={person.id}
        {...(isRow ? { 'data-row-link': true } : {})}
      >
        {nameOf(person)}
      </Link>
      {detail !== '' && (
        <>
          <br />
          <span className={text.soft}>{detail}</span>
        </>
      )}
    </>
  )
}
