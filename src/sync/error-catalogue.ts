import { undoReasons } from './undo-reasons.ts'

/** What a person is told of a cause: what it is, what to do, and who usually can. */
export interface ErrorEntry {
  title: string
  whatToDo: string
  fixedBy: 'sales operations' | 'administrator' | 'the vendor' | 'the hub'
}

/**
 * Causes by code. Codes are the engine's own (`area.cause`) or the vendor's (upper case); what is not listed is explained
 * by `explain` in general terms, never left without a next step.
 */
export const errorCatalogue: Readonly<Record<string, ErrorEntry>> = {
  'merge.both_changed': {
    title: 'Both sides changed a field that nobody but a person decides',
    whatToDo:
      'Open the conflict inbox, look at both values and choose; the rest of the record is in sync.',
    fixedBy: 'sales operations',
  },
  'certificate.missing': {
    title: 'The connected system said that it kept the record, and does not have it',
    whatToDo:
      'Nothing at first: it is sent again by itself, and the item closes once a run has seen it there. If it comes back, show the vendor the run.',
    fixedBy: 'the vendor',
  },
  'certificate.lost': {
    title: 'The connected system said that it kept a change, and has the old value',
    whatToDo:
      'Nothing at first: the fields in the detail are sent again by themselves. If it comes back, look for an automation there that undoes them.',
    fixedBy: 'the vendor',
  },
  'certificate.unread': {
    title: 'What was written could not be read back',
    whatToDo:
      'Nothing at first: the sync itself went through, and the next run reads back what this one could not. If it stays, see the detail for what the vendor said.',
    fixedBy: 'the vendor',
  },
  'plan.waiting': {
    title: 'Changes wait for their plan to be approved',
    whatToDo:
      'Open the plan of the connection, look at what would be written, and have each domain sign it or discard it. Until then nothing is sent; nothing is lost.',
    fixedBy: 'sales operations',
  },
  'hooks.not_made': {
    title: 'The connected system does not let the hub set up its webhooks',
    whatToDo:
      'Give the hub’s user the right to make webhooks (in Pipedrive the scope admin, or a token of an admin; 40 a user at most) and see that the hub has a public https address: the next run tries again. Or make them by hand, or set realTime to false: until then changes there are read by the schedule.',
    fixedBy: 'administrator',
  },
  'field.not_taken': {
    title: 'The hub could not take over a value as it is',
    whatToDo:
      'See the detail: the value breaks a rule here, such as a step that a status cannot take. Correct it on either side.',
    fixedBy: 'sales operations',
  },
  'record.suppressed': {
    title: 'The person of this address was erased on request',
    whatToDo:
      'Erase the record in the connected system too. If the person asked to be kept again, somebody who decides privacy requests lifts it; then retry.',
    fixedBy: 'administrator',
  },
  'record.gone': {
    title: 'The record was removed or merged here',
    whatToDo: 'Nothing, unless it should not have been: then restore it here.',
    fixedBy: 'the hub',
  },
  'record.stale': {
    title: 'The connected system showed an older state of the record',
    whatToDo: 'Nothing: its index lags behind, and the newer state follows.',
    fixedBy: 'the vendor',
  },
  'record.deleted_there': {
    title: 'The record was deleted in the connected system',
    whatToDo:
      'Nothing was sent. Restore it there if it is still wanted; the next run goes on with it.',
    fixedBy: 'sales operations',
  },
  'record.merged_there': {
    title: 'The record was merged into another one, or converted, in the connected system',
    whatToDo: 'Nothing was sent. Look whether the records here are one as well.',
    fixedBy: 'sales operations',
  },
  'record.never_known': {
    title: 'A record that was never taken in was deleted in the connected system',
    whatToDo: 'Nothing: there is nothing of it here.',
    fixedBy: 'the hub',
  },
  'reference.unknown': {
    title: 'A record that this one names is not known on the other side yet',
    whatToDo:
      'Nothing, if it comes with a later run: the rest of the record went through. Else create it there, such as the owner that the detail names.',
    fixedBy: 'administrator',
  },
  'member.opted_out': {
    title: 'The person opted out before they responded to the campaign',
    whatToDo:
      'Nothing: they were not put into the campaign there. Should they agree again, change the membership here.',
    fixedBy: 'the hub',
  },
  'reconcile.missing': {
    title: 'The whole comparison found that the connected system has lost the record',
    whatToDo: 'Nothing: it is sent again in the same run.',
    fixedBy: 'the hub',
  },
  'reconcile.moved': {
    title: 'The whole comparison found the record under another id',
    whatToDo: 'Nothing: the link was corrected.',
    fixedBy: 'the hub',
  },
  'stream.reauth': {
    title: 'The connected system does not accept the login any more',
    whatToDo: 'Enter new credentials for the connection; everything pending is sent afterwards.',
    fixedBy: 'administrator',
  },
  'stream.permission': {
    title: 'The login lacks a right that this stream needs',
    whatToDo: 'Grant the scopes named in the detail in the connected system, then run now.',
    fixedBy: 'administrator',
  },
  'stream.not_granted': {
    title: 'The login lacks a right that not every account has; all other streams go on',
    whatToDo:
      'Grant the scopes named in the detail in the connected system, then run now. If the account does not have the product, pause the stream: the item closes.',
    fixedBy: 'administrator',
  },
  'stream.rate_burst': {
    title: 'Too many calls at once',
    whatToDo:
      'Nothing: the run is tried again by itself. If it stays, other apps use up the limit.',
    fixedBy: 'the hub',
  },
  'stream.rate_daily': {
    title: 'The calls of the day are used up',
    whatToDo:
      'Nothing is lost: the rest follows once the limit is reset. Run less often if it recurs.',
    fixedBy: 'the hub',
  },
  'stream.rate_share': {
    title: 'The stream has used its share of the calls of the day',
    whatToDo:
      'Nothing is lost: it goes on at the time in the detail, earlier if others leave calls unused. If it recurs, give it a larger share, or the connection more calls a day.',
    fixedBy: 'the hub',
  },
  'stream.transient': {
    title: 'The connected system does not answer properly',
    whatToDo:
      'Nothing is lost: the run is tried again by itself. Look at the vendor’s status page.',
    fixedBy: 'the vendor',
  },
  'stream.account': {
    title: 'The account cannot be used at present',
    whatToDo: 'Look at the account in the connected system; the run is tried again by itself.',
    fixedBy: 'administrator',
  },
  'stream.approval': {
    title: 'The connection waits for signatures',
    whatToDo:
      'Ask the approvers that the detail names to sign the connection; it neither reads nor writes before.',
    fixedBy: 'administrator',
  },
  'stream.mapping': {
    title: 'The connected system does not take the form of our calls',
    whatToDo: 'See the detail: a field was probably removed or renamed. Put it back, then run now.',
    fixedBy: 'administrator',
  },
  'stream.gone': {
    title: 'What the stream works on is not there any more',
    whatToDo: 'Check that the object still exists in the connected system, then run now.',
    fixedBy: 'administrator',
  },
  'stream.conflict': {
    title: 'The connected system has something in the way of the whole stream',
    whatToDo:
      'Run now: somebody changed the same thing at that moment. If it stays, see the detail.',
    fixedBy: 'the hub',
  },
  'stream.cursor_lost': {
    title: 'The position of the last run is unusable',
    whatToDo: 'Run now: the stream is read again from the beginning; nothing is written twice.',
    fixedBy: 'the hub',
  },
  'record.not_writable': {
    title: 'A record from the connected system cannot be kept here',
    whatToDo: 'Correct the record in the connected system, then retry.',
    fixedBy: 'sales operations',
  },
  'delivery.failing': {
    title: 'The connected system fails on this record again and again',
    whatToDo:
      'It is tried five times, then held so that others go on. Change the record, or retry later.',
    fixedBy: 'the vendor',
  },
  'match.already_linked': {
    title: 'Two records there fit one record here',
    whatToDo: 'Merge the duplicates in the connected system, then retry.',
    fixedBy: 'sales operations',
  },
  INVALID_EMAIL: {
    title: 'The e-mail address is not valid there',
    whatToDo: 'Correct the lead’s e-mail address; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  INVALID_OPTION: {
    title: 'A value is not among the options of its field',
    whatToDo: 'Add the option to the named property in the connected system, then retry the group.',
    fixedBy: 'administrator',
  },
  PROPERTY_DOESNT_EXIST: {
    title: 'A property does not exist there',
    whatToDo: 'Create the named property in the connected system, then retry the group.',
    fixedBy: 'administrator',
  },
  READ_ONLY_VALUE: {
    title: 'A property there is read-only',
    whatToDo: 'Make the named property writable in the connected system, then retry the group.',
    fixedBy: 'administrator',
  },
  VALIDATION_ERROR: {
    title: 'A rule of the connected system refuses the record',
    whatToDo: 'Correct the named properties of the record; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  CONTACT_CLAIMED: {
    title: 'The contact with this e-mail address belongs to another lead',
    whatToDo: 'Merge the two leads here, or give one of them another e-mail address.',
    fixedBy: 'sales operations',
  },
  CONTACT_UNREADABLE: {
    title: 'A contact is in the way and cannot be read',
    whatToDo: 'Restore or delete the named contact in the connected system, then retry.',
    fixedBy: 'sales operations',
  },
  PERSON_CLAIMED: {
    title: 'The person with this e-mail address belongs to another lead',
    whatToDo: 'Merge the two leads here, or give one of them another e-mail address.',
    fixedBy: 'sales operations',
  },
  OBJECT_NOT_FOUND: {
    title: 'The record is not there any more',
    whatToDo:
      'Restore it in the connected system, or compare both sides whole, so that it is made anew; then retry.',
    fixedBy: 'sales operations',
  },
  RECORD_GONE: {
    title: 'The record is not there any more',
    whatToDo:
      'Restore it in the connected system, or compare both sides whole, so that it is made anew; then retry.',
    fixedBy: 'sales operations',
  },
  ERR_SCHEMA_VALIDATION_FAILED: {
    title: 'The connected system does not take a value',
    whatToDo: 'Correct the named properties of the record; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  HTTP_400: {
    title: 'The connected system does not take a value',
    whatToDo: 'Correct the named properties of the record; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  CONFLICT: {
    title: 'Another record there has the same unique value',
    whatToDo: 'Merge the two records in the connected system, then retry.',
    fixedBy: 'sales operations',
  },
  REQUIRED_FIELD_MISSING: {
    title: 'A field that the connected system requires is empty',
    whatToDo: 'Fill the named fields on the record here, or make them optional there; then retry.',
    fixedBy: 'sales operations',
  },
  INVALID_EMAIL_ADDRESS: {
    title: 'The e-mail address is not valid there',
    whatToDo: 'Correct the lead’s e-mail address; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  STRING_TOO_LONG: {
    title: 'A text is longer than its field there',
    whatToDo: 'Shorten the named field, or have it lengthened in the connected system; then retry.',
    fixedBy: 'sales operations',
  },
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: {
    title: 'A value is not in the list of its field',
    whatToDo: 'Add the value to the named picklist there, or map it to one that is; then retry.',
    fixedBy: 'administrator',
  },
  FIELD_CUSTOM_VALIDATION_EXCEPTION: {
    title: 'A validation rule of yours refuses the record',
    whatToDo:
      'The detail is the rule’s own text: correct the record by it, or except the hub’s user.',
    fixedBy: 'sales operations',
  },
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: {
    title: 'A trigger or flow of yours failed on the record',
    whatToDo: 'Have the automation corrected in the connected system, then retry the group.',
    fixedBy: 'administrator',
  },
  DUPLICATES_DETECTED: {
    title: 'A duplicate rule of yours blocks the record',
    whatToDo: 'Merge it with the record that the detail names, or loosen the rule; then retry.',
    fixedBy: 'sales operations',
  },
  DUPLICATE_VALUE: {
    title: 'Another record there has the same unique value',
    whatToDo: 'Merge it with the record that the detail names, then retry.',
    fixedBy: 'sales operations',
  },
  DUPLICATE_EXTERNAL_ID: {
    title: 'Several records there carry the same id of the hub',
    whatToDo: 'Make Hub_Id__c unique, and empty it on all but one of the records; then retry.',
    fixedBy: 'administrator',
  },
  RECORD_CLAIMED: {
    title: 'The record in the way belongs to another record here',
    whatToDo: 'Merge the two records here, or give one of them another e-mail address.',
    fixedBy: 'sales operations',
  },
  CANNOT_UPDATE_CONVERTED_LEAD: {
    title: 'The lead was converted and takes no more changes',
    whatToDo: 'Nothing: the next run reads what it became and goes on with the contact.',
    fixedBy: 'the hub',
  },
  ENTITY_IS_DELETED: {
    title: 'The record lies in the recycle bin there',
    whatToDo: 'Restore it there if it is still wanted; the next run goes on with it.',
    fixedBy: 'sales operations',
  },
  MALFORMED_ID: {
    title: 'An id is of the wrong kind for its field',
    whatToDo: 'Correct the mapping of the named field: it expects another kind of record.',
    fixedBy: 'administrator',
  },
  INVALID_CROSS_REFERENCE_KEY: {
    title: 'The record names another one that does not exist there',
    whatToDo: 'Restore the named record there or choose another here, then retry.',
    fixedBy: 'sales operations',
  },
  ASSOCIATION_LABEL_UNKNOWN: {
    title: 'Deals and contacts there have no label of the name of the role',
    whatToDo: 'Make the label there or choose a role that it has, then retry.',
    fixedBy: 'sales operations',
  },
  MEMBER_STATUS_UNKNOWN: {
    title: 'The campaign there does not have the status of the member',
    whatToDo:
      'Add the status to the campaign there or give the member one that it has, then retry: without it the default would be set.',
    fixedBy: 'sales operations',
  },
  INACTIVE_OWNER_OR_USER: {
    title: 'The owner has left the connected system',
    whatToDo: 'Choose another owner for the record; it is sent again by itself.',
    fixedBy: 'sales operations',
  },
  INVALID_FIELD: {
    title: 'A field does not exist there, or the hub’s user may not see it',
    whatToDo: 'Create the named field or grant access to it in the permission set, then retry.',
    fixedBy: 'administrator',
  },
  INVALID_FIELD_FOR_INSERT_UPDATE: {
    title: 'A field there cannot be written by the hub’s user',
    whatToDo: 'Grant edit access to the named field, or let the mapping only read it; then retry.',
    fixedBy: 'administrator',
  },
  UNABLE_TO_LOCK_ROW: {
    title: 'The record was locked by other work again and again',
    whatToDo: 'Nothing: it is tried again by itself. If it stays, an automation holds its parent.',
    fixedBy: 'the vendor',
  },
  ANSWER_INCOMPLETE: {
    title: 'The connected system told no outcome for the record',
    whatToDo: 'Nothing: it is tried again by itself, and held after the fifth time.',
    fixedBy: 'the vendor',
  },
}

function reasonOf(code: string): ErrorEntry | undefined {
  const reason = Object.entries(undoReasons).find(([known]) => known === code)?.[1]
  return reason && { ...reason, fixedBy: 'sales operations' }
}

/** The entry of a code, also of why an undo leaves something; for one that is not listed, what can be said in general. */
export function explain(code: string): ErrorEntry {
  return (
    errorCatalogue[code] ??
    reasonOf(code) ?? {
      title: `The connected system refused the record (${code})`,
      whatToDo: 'See the detail, correct the record or the setting that it names, then retry.',
      fixedBy: 'sales operations',
    }
  )
}
