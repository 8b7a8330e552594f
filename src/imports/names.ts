import type { CellValue } from '#imports/cell.ts'
import type { TargetField } from '#imports/mapping.ts'

/** Aliases written as one line. */
export function names(list: string): string[] {
  return list.split(', ')
}

/** What names a person, in the words that files use for it. */
export const personFields: readonly TargetField[] = [
  {
    field: 'email',
    label: 'E-mail',
    kind: 'email',
    aliases: names(
      'email address, mail, e mail adresse, mailadresse, correo, correo electronico, courriel, adresse mail, ' +
        'indirizzo email, posta elettronica, emailadres, business email, work email, contact email',
    ),
  },
  {
    field: 'externalId',
    label: 'Id at the source',
    kind: 'id',
    aliases: names(
      'mql id, lead id, lead number, prospect id, contact id, record id, external id, crm id, person id, id, lead nr, ' +
        'leadnummer, kontakt id, customer id, kundennummer, id du lead, id cliente',
    ),
  },
  {
    field: 'userId',
    label: 'User id',
    kind: 'id',
    aliases: names('user id, uid, account user id, login'),
  },
]

/** What is known of a person beside its name, and the name in one column or two. */
export const attributeFields: readonly TargetField[] = [
  {
    field: 'fullName',
    label: 'Full name',
    kind: 'text',
    aliases: names(
      'name, contact name, lead name, contact, person, vollstandiger name, nombre completo, nom complet, nome completo, ' +
        'volledige naam',
    ),
  },
  {
    field: 'firstName',
    label: 'First name',
    kind: 'text',
    aliases: names('given name, forename, vorname, nombre, prenom, nome, voornaam'),
  },
  {
    field: 'lastName',
    label: 'Last name',
    kind: 'text',
    aliases: names(
      'surname, family name, nachname, apellido, apellidos, nom, nom de famille, cognome, sobrenome, achternaam',
    ),
  },
  {
    field: 'phone',
    label: 'Phone',
    kind: 'phone',
    aliases: names(
      'telephone, phone number, mobile, mobile phone, cell, cell phone, telefon, telefonnummer, handy, mobil, telefono, ' +
        'movil, portable, celular, telefoon',
    ),
  },
  {
    field: 'jobTitle',
    label: 'Job title',
    kind: 'text',
    aliases: names(
      'title, role, position, job, job role, funktion, berufsbezeichnung, stelle, cargo, puesto, poste, fonction, ruolo, ' +
        'functie',
    ),
  },
  {
    field: 'company',
    label: 'Company',
    kind: 'text',
    aliases: names(
      'company name, organization, organisation, account, account name, employer, firma, firmenname, unternehmen, empresa, ' +
        'societe, entreprise, azienda, bedrijf, bedrijfsnaam',
    ),
  },
  {
    field: 'country',
    label: 'Country',
    kind: 'country',
    aliases: names('country code, country region, land, pais, pays, paese'),
  },
  {
    field: 'optIn',
    label: 'Agreed to marketing e-mail',
    kind: 'boolean',
    aliases: names(
      'opt in, email opt in, marketing opt in, marketing consent, newsletter consent, subscribed, gdpr consent, ' +
        'einwilligung, newsletter einwilligung, consentement, consentimiento',
    ),
  },
  {
    field: 'optOut',
    label: 'Refused marketing e-mail',
    kind: 'boolean',
    aliases: names(
      'opt out, email opt out, do not email, unsubscribed, has opted out of email, do not contact, abgemeldet',
    ),
  },
]

const UTM = ['Source', 'Medium', 'Campaign', 'Term', 'Content'] as const

/** Where a touch came from, as links are tagged. */
export const utmFields: readonly TargetField[] = UTM.map((part) => ({
  field: `utm${part}`,
  label: `UTM ${part.toLowerCase()}`,
  kind: 'text',
  aliases: [`utm_${part.toLowerCase()}`],
}))

type Values = Readonly<Partial<Record<string, CellValue>>>

/** Those of these fields that the row has. */
export function pick(values: Values, fields: readonly string[]): Record<string, CellValue> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = values[field]
      return value === undefined ? [] : [[field, value]]
    }),
  )
}

/** The tags of a row as an object of the wire; null without any. */
export function utmOf(values: Values): Record<string, CellValue> | null {
  const utm = Object.fromEntries(
    UTM.flatMap((part) => {
      const value = values[`utm${part}`]
      return value === undefined ? [] : [[part.toLowerCase(), value]]
    }),
  )
  return Object.keys(utm).length === 0 ? null : utm
}

/** A name in one column: the last word is the family name, unless a comma says that it comes first. */
export function namesOf(fullName: CellValue | undefined): Record<string, string> {
  if (typeof fullName !== 'string') return {}
  const [family = '', given] = fullName.split(/,\s*/, 2)
  const words = fullName.split(/\s+/)
  const firstName = given ?? (words.length === 1 ? fullName : words.slice(0, -1).join(' '))
  const lastName = given === undefined ? (words.length === 1 ? '' : words.at(-1)!) : family
  return { ...(firstName !== '' && { firstName }), ...(lastName !== '' && { lastName }) }
}

export interface ImportedConsent {
  purpose: 'marketing'
  channel: 'email'
  status: 'granted' | 'denied'
}

/** What a row says of marketing e-mail: a refusal counts before anything; an opt-out that is not set says nothing. */
export function consentsOf({ optIn, optOut }: Values): ImportedConsent[] {
  const status =
    optOut === true ? 'denied' : optIn === undefined ? null : optIn === true ? 'granted' : 'denied'
  return status === null ? [] : [{ purpose: 'marketing', channel: 'email', status }]
}
