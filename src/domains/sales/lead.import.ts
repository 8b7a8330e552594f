import type { CellValue } from '#imports/cell.ts'
import type { ImportTarget, MappedRow, TargetContext } from '#imports/target.ts'
import { captureLead } from './lead.operations.ts'

/** Fields that are the same in the file and on the wire; the others are worked out below. */
const PLAIN = [
  'email',
  'externalId',
  'userId',
  'submissionId',
  'form',
  'firstName',
  'lastName',
  'phone',
  'jobTitle',
  'company',
  'companyDomain',
  'country',
  'region',
  'industry',
  'employees',
  'channel',
  'campaign',
  'landingPage',
  'referrer',
] as const

const UTM = ['Source', 'Medium', 'Campaign', 'Term', 'Content'] as const

/** Leads from a file: each row is a submission to `captureLead`. */
export const leadImport: ImportTarget = {
  name: 'leads',
  label: 'Leads',
  operation: captureLead,
  maxCustom: 50,
  requiresOneOf: ['email', 'externalId', 'userId'],
  fields: [
    {
      field: 'email',
      label: 'E-mail',
      kind: 'email',
      aliases: names(
        'email address, mail, e mail adresse, mailadresse, correo, correo electronico, courriel, adresse mail, indirizzo email, posta elettronica, emailadres, business email, work email, contact email',
      ),
    },
    {
      field: 'externalId',
      label: 'Id at the source',
      kind: 'id',
      aliases: names(
        'mql id, lead id, lead number, prospect id, contact id, record id, external id, crm id, id, lead nr, leadnummer, kontakt id, customer id, kundennummer, id du lead, id cliente',
      ),
    },
    {
      field: 'userId',
      label: 'User id',
      kind: 'id',
      aliases: names('user id, uid, account user id, login'),
    },
    {
      field: 'submissionId',
      label: 'Submission id',
      kind: 'id',
      aliases: names('submission id, form submission id, response id, entry id, conversion id'),
    },
    {
      field: 'capturedAt',
      label: 'When it happened',
      kind: 'date',
      aliases: names(
        'first contact date, captured at, created at, create date, created date, created, created on, date, datum, date created, submitted at, submission date, timestamp, signup date, sign up date, lead date, conversion date, first contact, erstellt am, erstelldatum, anlagedatum, eingangsdatum, fecha, fecha de creacion, fecha de contacto, date de creation, date de contact, data, data di creazione, data de criacao, aangemaakt op, aanmaakdatum',
      ),
    },
    {
      field: 'channel',
      label: 'Channel',
      kind: 'text',
      aliases: names(
        'origin, lead source, source, marketing channel, acquisition channel, lead origin, traffic source, original source, origen, origem, herkunft, quelle, kanal, leadquelle, canal, source du lead, fonte, bron, kanaal, how did you hear about us',
      ),
    },
    {
      field: 'campaign',
      label: 'Campaign',
      kind: 'text',
      aliases: names('campaign name, campaign id, kampagne, campana, campagne, campagna, campanha'),
    },
    {
      field: 'fullName',
      label: 'Full name',
      kind: 'text',
      aliases: names(
        'name, contact name, lead name, contact, person, vollstandiger name, nombre completo, nom complet, nome completo, volledige naam',
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
        'telephone, phone number, mobile, mobile phone, cell, cell phone, telefon, telefonnummer, handy, mobil, telefono, movil, portable, celular, telefoon',
      ),
    },
    {
      field: 'jobTitle',
      label: 'Job title',
      kind: 'text',
      aliases: names(
        'title, role, position, job, job role, funktion, berufsbezeichnung, stelle, cargo, puesto, poste, fonction, ruolo, functie',
      ),
    },
    {
      field: 'company',
      label: 'Company',
      kind: 'text',
      aliases: names(
        'company name, organization, organisation, account, account name, employer, firma, firmenname, unternehmen, empresa, societe, entreprise, azienda, bedrijf, bedrijfsnaam',
      ),
    },
    {
      field: 'companyDomain',
      label: 'Company website',
      kind: 'url',
      aliases: names(
        'website, company website, domain, company domain, web, homepage, webseite, sitio web, site web, sito web',
      ),
    },
    {
      field: 'country',
      label: 'Country',
      kind: 'country',
      aliases: names('country code, country region, land, pais, pays, paese'),
    },
    {
      field: 'region',
      label: 'Region',
      kind: 'text',
      aliases: names(
        'state, province, state region, bundesland, provincia, estado, departement, regione',
      ),
    },
    {
      field: 'industry',
      label: 'Industry',
      kind: 'text',
      aliases: names(
        'sector, vertical, branche, business segment, industria, secteur, settore, setor, bedrijfstak',
      ),
    },
    {
      field: 'employees',
      label: 'Employees',
      kind: 'number',
      aliases: names(
        'number of employees, employee count, company size, headcount, mitarbeiter, mitarbeiterzahl, anzahl mitarbeiter, empleados, effectif, dipendenti, funcionarios, werknemers',
      ),
    },
    {
      field: 'form',
      label: 'Form',
      kind: 'text',
      aliases: names(
        'form name, list, list name, webinar, event name, formular, formulario, formulaire',
      ),
    },
    {
      field: 'landingPage',
      label: 'Landing page',
      kind: 'url',
      aliases: names(
        'landing page url, first page, entry page, page, page url, conversion page, url, zielseite',
      ),
    },
    {
      field: 'referrer',
      label: 'Referrer',
      kind: 'url',
      aliases: names('referer, referring page, referring url, http referrer'),
    },
    ...UTM.map((part) => ({
      field: `utm${part}`,
      label: `UTM ${part.toLowerCase()}`,
      kind: 'text' as const,
      aliases: [`utm_${part.toLowerCase()}`],
    })),
    {
      field: 'optIn',
      label: 'Agreed to marketing e-mail',
      kind: 'boolean',
      aliases: names(
        'opt in, email opt in, marketing opt in, marketing consent, newsletter consent, subscribed, gdpr consent, einwilligung, newsletter einwilligung, consentement, consentimiento',
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
  ],
  toInput,
}

function names(list: string): string[] {
  return list.split(', ')
}

function toInput(
  { values, custom }: MappedRow,
  { source }: TargetContext,
): Record<string, unknown> {
  const { capturedAt, fullName, optIn, optOut } = values
  const input: Record<string, unknown> = { source, ...namesOf(fullName) }
  for (const field of PLAIN) if (values[field] !== undefined) input[field] = values[field]
  const utm = Object.fromEntries(
    UTM.flatMap((part) => {
      const value = values[`utm${part}`]
      return value === undefined ? [] : [[part.toLowerCase(), value]]
    }),
  )
  if (Object.keys(utm).length > 0) input['utm'] = utm
  if (capturedAt instanceof Date) input['capturedAt'] = capturedAt.toISOString()
  const status =
    optOut === true ? 'denied' : optIn === undefined ? null : optIn === true ? 'granted' : 'denied'
  if (status !== null) input['consents'] = [{ purpose: 'marketing', channel: 'email', status }]
  if (Object.keys(custom).length > 0) input['custom'] = custom
  // A row that says when or through what somebody came is a touch, and attribution must see it; a bare address is none.
  const isTouch = ['capturedAt', 'channel', 'campaign', 'utm', 'landingPage', 'form'].some(
    (field) => field in input,
  )
  return { ...input, event: isTouch ? 'form_submission' : 'import' }
}

/** A name in one column: the last word is the family name, unless a comma says it comes first. */
function namesOf(fullName: CellValue | undefined): Record<string, string> {
  if (typeof fullName !== 'string') return {}
  const [family, given] = fullName.split(/,\s*/, 2)
  const words = given ? [given, family ?? ''] : splitLast(fullName)
  const [firstName = '', lastName = ''] = words
  return { ...(firstName !== '' && { firstName }), ...(lastName !== '' && { lastName }) }
}

function splitLast(name: string): string[] {
  const words = name.split(/\s+/)
  return words.length === 1 ? [name] : [words.slice(0, -1).join(' '), words.at(-1) ?? '']
}
