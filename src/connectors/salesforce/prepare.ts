import { VendorFault } from '#sync/connector.ts'
import type { ObjectName, SalesforceClient } from './client.ts'
import { fieldNames } from './describe.ts'
import { HUB_ID } from './fields.ts'
import { quote } from './soql.ts'

/** The objects of which the hub makes rows: they need our key. */
const KEYED: readonly ObjectName[] = ['Lead', 'Campaign', 'CampaignMember']

/** Our id on the row: by it a repeated write finds what the first one made. */
const keyMetadata = {
  label: 'Hub Id',
  type: 'Text',
  length: 80,
  externalId: true,
  unique: true,
  caseSensitive: true,
  description: 'The id of the record in Throughline. Do not edit.',
}

const text = (label: string) => ({ label, type: 'Text', length: 255 })
const number = (label: string) => ({ label, type: 'Number', precision: 9, scale: 2 })

/** What the hub shows in Salesforce, if the org lets it. */
const shown: Readonly<Record<string, Record<string, unknown>>> = {
  Hub_Status__c: text('Hub Status'),
  Hub_Source_Id__c: text('Hub Source Id'),
  Hub_Score__c: number('Hub Score'),
  Hub_Fit_Score__c: number('Hub Fit Score'),
  Hub_Engagement_Score__c: number('Hub Engagement Score'),
  Hub_Channel__c: text('Hub Channel'),
  Hub_Campaign__c: text('Hub Campaign'),
  Hub_Mql_At__c: { label: 'Hub Qualified At', type: 'DateTime' },
}
const SHOWN_ON: readonly ObjectName[] = ['Lead', 'Contact']

/** Names what `prepare` sees to. */
export const PREPARATION = `${KEYED.join(',')}:${HUB_ID};${SHOWN_ON.join(',')}:${Object.keys(shown).join(',')}`

const PERMISSION_SET = { Name: 'Throughline', Label: 'Throughline' }

interface Missing {
  object: ObjectName
  name: string
  metadata: Record<string, unknown>
}

/**
 * Makes the fields that the org lacks and the right to see them. Where the login may not, the key is asked of the
 * administrator; the fields that only show something are then left out.
 *
 * @throws VendorFault `permission` that names the fields to be made by hand.
 */
export async function prepare(client: SalesforceClient, signal: AbortSignal): Promise<void> {
  const missing = await listMissing(client, signal)
  if (missing.length === 0) return
  try {
    const refusals = await client.createFields(missing, signal)
    // A field that is there and not seen only lacks the right to see it.
    const isMade = refusals.every((code) => code === 'DUPLICATE_DEVELOPER_NAME')
    if (isMade) await permit(client, missing, signal)
  } catch (error) {
    if (!(error instanceof VendorFault) || !REFUSALS.has(error.kind)) throw error
  } finally {
    client.forgetSchema()
  }
  const left = (await listMissing(client, signal)).filter(({ name }) => name === HUB_ID)
  // Leads are what every connection sends; what else lacks the key says so itself, and holds up nothing else.
  if (left.some(({ object }) => object === 'Lead'))
    throw keyMissing(left.map(({ object }) => object))
}

/** Refuses to make rows of an object without the key by which a repeated write finds them. @throws VendorFault `permission`. */
export async function requireKey(
  client: SalesforceClient,
  object: ObjectName,
  signal: AbortSignal,
): Promise<void> {
  if (!fieldNames(await client.describe(object, signal)).has(HUB_ID)) throw keyMissing([object])
}

function keyMissing(objects: readonly ObjectName[]): VendorFault {
  return new VendorFault(
    'permission',
    `Make the field ${HUB_ID} (Text 80, External ID, Unique, case sensitive) on ${objects.join(', ')}, and let the login edit it.`,
    { code: 'HUB_ID_MISSING' },
  )
}

const REFUSALS: ReadonlySet<string> = new Set(['permission', 'mapping', 'gone'])

async function listMissing(client: SalesforceClient, signal: AbortSignal): Promise<Missing[]> {
  const missing: Missing[] = []
  for (const object of KEYED) {
    const there = await fieldsSeen(client, object, signal)
    if (there?.has(HUB_ID) === false) missing.push({ object, name: HUB_ID, metadata: keyMetadata })
  }
  for (const object of SHOWN_ON) {
    const there = fieldNames(await client.describe(object, signal))
    for (const [name, metadata] of Object.entries(shown)) {
      if (!there.has(name)) missing.push({ object, name, metadata })
    }
  }
  return missing
}

/** Null where the login does not see the object, as those without the right to marketing do: then nothing of it is sent. */
async function fieldsSeen(
  client: SalesforceClient,
  object: ObjectName,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | null> {
  try {
    return fieldNames(await client.describe(object, signal))
  } catch (error) {
    const isUnseen = error instanceof VendorFault && error.code === 'INVALID_TYPE'
    if (!isUnseen || object === 'Lead') throw error
    return null
  }
}

/** Salesforce docs: a new field is seen by nobody until a permission set or profile says so. */
async function permit(
  client: SalesforceClient,
  fields: readonly Missing[],
  signal: AbortSignal,
): Promise<void> {
  const soql = `SELECT Id FROM PermissionSet WHERE Name = ${quote(PERMISSION_SET.Name)}`
  const [known] = (await client.query(soql, signal)).records
  const permissionSetId =
    known?.Id ?? (await makeOne(client, 'PermissionSet', PERMISSION_SET, signal))
  const rights = fields.map(({ object, name }) => ({
    ParentId: permissionSetId,
    SobjectType: object,
    Field: `${object}.${name}`,
    PermissionsRead: true,
    PermissionsEdit: true,
  }))
  await client.insert('FieldPermissions', rights, signal)
  const assignment = {
    PermissionSetId: permissionSetId,
    AssigneeId: await client.userId(signal),
  }
  // Refused as a duplicate where the login has it already.
  await client.insert('PermissionSetAssignment', [assignment], signal)
}

async function makeOne(
  client: SalesforceClient,
  object: string,
  fields: object,
  signal: AbortSignal,
): Promise<string> {
  const [made] = await client.insert(object, [fields], signal)
  if (made?.id) return made.id
  throw new VendorFault('permission', `The login may not make a ${object}.`, {
    code: made?.errors[0]?.statusCode ?? null,
  })
}
