/** The three letters an id starts with, by object. Salesforce docs: key prefixes. */
export const KEY_PREFIXES: Readonly<Record<string, string>> = {
  Account: '001',
  Contact: '003',
  Lead: '00Q',
  Opportunity: '006',
  OpportunityContactRole: '00K',
  OpportunityStage: '01J',
  OpportunityHistory: '008',
  Campaign: '701',
  CampaignMember: '00v',
  CampaignMemberStatus: '01Y',
  Task: '00T',
  User: '005',
  Group: '00G',
  QueueSobject: '03g',
  RecordType: '012',
  Organization: '00D',
  PermissionSet: '0PS',
  PermissionSetAssignment: '0Pa',
  FieldPermissions: '01k',
  CustomField: '00N',
  Job: '750',
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CHECK = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/** The 18 characters of the nth id of an object: prefix, instance, number in base 62, checksum. */
export function idOf(prefix: string, n: number): string {
  let rest = n
  let digits = ''
  for (let i = 0; i < 9; i += 1) {
    digits = (DIGITS[rest % 62] ?? '0') + digits
    rest = Math.floor(rest / 62)
  }
  return to18(`${prefix}SB0${digits}`)
}

/** The number that `idOf` made the id of. */
export function numberOfId(id: string): number {
  let n = 0
  for (const digit of id.slice(6, 15)) n = n * 62 + DIGITS.indexOf(digit)
  return n
}

/**
 * The case-safe form of an id: three characters that tell which of the fifteen are capitals.
 * Salesforce docs: record id, 15 and 18 characters. An id of 18 is given back as it is.
 */
export function to18(id: string): string {
  if (id.length !== 15) return id
  let check = ''
  for (let block = 0; block < 3; block += 1) {
    let bits = 0
    for (let i = 0; i < 5; i += 1) {
      const letter = id[block * 5 + i] ?? ''
      if (letter >= 'A' && letter <= 'Z') bits |= 1 << i
    }
    check += CHECK[bits] ?? 'A'
  }
  return id + check
}

/** True for what looks like an id: 15 letters and digits, or 18 with the right checksum. */
export function isId(text: string): boolean {
  if (!/^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$/.test(text)) return false
  return text.length === 15 || to18(text.slice(0, 15)) === text
}
