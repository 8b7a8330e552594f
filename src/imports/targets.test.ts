import { describe, expect, test } from 'vitest'
import { campaignImport } from '#domains/marketing/campaign.import.ts'
import { leadImport } from '#domains/sales/lead.import.ts'
import { parseRaw } from '#gateway/batch.ts'
import { createRowMapper } from '#imports/map-row.ts'
import { prepareImport } from '#imports/plan.ts'
import type { ImportTarget } from '#imports/target.ts'
import { personImport } from '#people/person.import.ts'
import { touchpointImport } from '#people/touchpoint.import.ts'

const context = { source: 'crm', zone: 'Europe/Berlin', currency: 'EUR' }

/** The wire objects of a file's rows, as guessed; each is seen to pass the operation's schema. */
async function read(target: ImportTarget, text: string): Promise<unknown[]> {
  const { columns, rows } = await prepareImport(Buffer.from(text), target, {})
  const map = createRowMapper(columns, target, context)
  return rows.map((row) => {
    const mapped = map(row)
    if (mapped.kind === 'reject') return mapped.reason
    const parsed = parseRaw(target.operation, mapped.raw)
    return 'problem' in parsed ? parsed.problem.message : mapped.raw
  })
}

describe('leads', () => {
  test('German, Spanish and French headers find their fields', async () => {
    const files = [
      'E-Mail-Adresse;Vorname;Nachname;Firma;Telefon;Erstellt am;Herkunft',
      'Correo electrónico;Nombre;Apellidos;Empresa;Teléfono;Fecha de creación;Origen',
      'Adresse mail;Prénom;Nom;Société;Portable;Date de création;Canal',
    ]
    for (const header of files) {
      const [lead] = await read(
        leadImport,
        `${header}\nada@x.example;Ada;Byron;X SA;+49 30 123456;31.12.2024 18:30;Messe\n`,
      )
      expect(lead).toEqual({
        source: 'crm',
        email: 'ada@x.example',
        firstName: 'Ada',
        lastName: 'Byron',
        company: 'X SA',
        phone: '+4930123456',
        capturedAt: '2024-12-31T17:30:00.000Z',
        channel: 'Messe',
        event: 'form_submission',
      })
    }
  })

  test('a bare list of addresses is no touch; one that says through what people came is', async () => {
    const [bare] = await read(leadImport, 'email,name\nada@x.example,Ada Augusta Byron\n')
    expect(bare).toEqual({
      source: 'crm',
      email: 'ada@x.example',
      firstName: 'Ada Augusta',
      lastName: 'Byron',
      event: 'import',
    })
    const [tagged] = await read(
      leadImport,
      'email,utm_source,utm_medium\nada@x.example,google,cpc\n',
    )
    expect(tagged).toMatchObject({
      utm: { source: 'google', medium: 'cpc' },
      event: 'form_submission',
    })
  })

  test('a refusal of e-mail counts, an opt-out that is not set says nothing', async () => {
    const leads = await read(
      leadImport,
      'email,opt in,do not email\na@x.example,yes,no\nb@x.example,no,no\nc@x.example,yes,yes\nd@x.example,,no\n',
    )
    const statuses = leads.map(
      (lead) => (lead as { consents?: { status: string }[] }).consents?.[0]?.status,
    )
    expect(statuses).toEqual(['granted', 'denied', 'denied', undefined])
  })

  test('more columns than there are places for leave the rest out instead of refusing every row', async () => {
    const names = Array.from({ length: 80 }, (_, i) => `extra ${i}`)
    const text = `email,${names.join(',')}\nada@x.example,${names.join(',')}\n`
    const [lead] = await read(leadImport, text)
    expect(Object.keys((lead as { custom: object }).custom)).toHaveLength(50)
  })
})

test('people keep what has no field as traits', async () => {
  expect(await read(personImport, 'Customer ID,Full Name,Plan\nc1,"Byron, Ada",gold\n')).toEqual([
    {
      source: 'crm',
      externalId: 'c1',
      firstName: 'Ada',
      lastName: 'Byron',
      traits: { plan: 'gold' },
    },
  ])
})

test('touchpoints take a campaign’s name as a tag, since it need not be one of ours', async () => {
  const text =
    'person_id,ts,channel,campaign,type,cost\nP1,2024-07-25T06:40:00Z,webinar,webinar-3,attend,22.40\n'
  expect(await read(touchpointImport, text)).toEqual([
    {
      source: 'crm',
      kind: 'attend',
      externalId: 'P1',
      channel: 'webinar',
      utm: { campaign: 'webinar-3' },
      occurredAt: '2024-07-25T06:40:00.000Z',
      properties: { cost: '22.40' },
    },
  ])
})

test('campaigns keep the days of the calendar and amounts to the cent', async () => {
  const text =
    'Campaign Name,Type,Start Date,End Date,Status,Budget\n' +
    'Spring Webinar,Webinar,31/03/2024,30/04/2024,Completed,"€ 12.000,50"\nSummer,,13/05/2024,,Draft,\n'
  expect(await read(campaignImport, text)).toEqual([
    {
      name: 'Spring Webinar',
      key: 'Spring Webinar',
      channel: 'webinar',
      status: 'ended',
      startsOn: '2024-03-31',
      endsOn: '2024-04-30',
      budgetMinor: 1_200_050,
      currency: 'EUR',
    },
    {
      name: 'Summer',
      key: 'Summer',
      channel: 'unknown',
      status: 'planned',
      startsOn: '2024-05-13',
    },
  ])
})
