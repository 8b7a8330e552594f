import {
  attributeFields,
  consentsOf,
  names,
  namesOf,
  personFields,
  pick,
  utmFields,
  utmOf,
} from '#imports/names.ts'
import type { ImportTarget, MappedRow, TargetContext } from '#imports/target.ts'
import { captureLead } from './lead.operations.ts'

/** Leads from a file: each row is a submission to `captureLead`. */
export const leadImport: ImportTarget = {
  name: 'leads',
  label: 'Leads',
  operation: captureLead,
  maxCustom: 50,
  requiresOneOf: ['email', 'externalId', 'userId'],
  fields: [
    ...personFields,
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
        'first contact date, captured at, created at, create date, created date, created, created on, date, datum, ' +
          'date created, submitted at, submission date, timestamp, signup date, sign up date, lead date, conversion date, ' +
          'first contact, erstellt am, erstelldatum, anlagedatum, eingangsdatum, fecha, fecha de creacion, ' +
          'fecha de contacto, date de creation, date de contact, data, data di creazione, data de criacao, aangemaakt op, ' +
          'aanmaakdatum',
      ),
    },
    {
      field: 'channel',
      label: 'Channel',
      kind: 'text',
      aliases: names(
        'origin, lead source, source, marketing channel, acquisition channel, lead origin, traffic source, ' +
          'original source, origen, origem, herkunft, quelle, kanal, leadquelle, canal, source du lead, fonte, bron, ' +
          'kanaal, how did you hear about us',
      ),
    },
    {
      field: 'campaign',
      label: 'Campaign',
      kind: 'text',
      aliases: names('campaign name, campaign id, kampagne, campana, campagne, campagna, campanha'),
    },
    ...attributeFields,
    {
      field: 'companyDomain',
      label: 'Company website',
      kind: 'url',
      aliases: names(
        'website, company website, domain, company domain, web, homepage, webseite, sitio web, site web, sito web',
      ),
    },
    {
      field: 'region',
      label: 'Region',
      kind: 'text',
      aliases: names('state, province, state region, bundesland, provincia, estado, regione'),
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
        'number of employees, employee count, company size, headcount, mitarbeiter, mitarbeiterzahl, anzahl mitarbeiter, ' +
          'empleados, effectif, dipendenti, funcionarios, werknemers',
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
    ...utmFields,
  ],
  toInput,
}

/** Fields that are the same in the file and on the wire. */
const PLAIN = names(
  'email, externalId, userId, submissionId, form, firstName, lastName, phone, jobTitle, company, companyDomain, country, ' +
    'region, industry, employees, channel, campaign, landingPage, referrer',
)

/** A row that says when or through what somebody came is a touch, and attribution must see it; a bare address is none. */
const TOUCHING = ['capturedAt', 'channel', 'campaign', 'utm', 'landingPage', 'form']

function toInput({ values, custom }: MappedRow, { source }: TargetContext) {
  const { capturedAt } = values
  const utm = utmOf(values)
  const consents = consentsOf(values)
  const input = {
    source,
    ...namesOf(values['fullName']),
    ...pick(values, PLAIN),
    ...(utm !== null && { utm }),
    ...(capturedAt instanceof Date && { capturedAt: capturedAt.toISOString() }),
    ...(consents.length > 0 && { consents }),
    ...(Object.keys(custom).length > 0 && { custom }),
  }
  const isTouch = TOUCHING.some((field) => field in input)
  return { ...input, event: isTouch ? 'form_submission' : 'import' }
}
