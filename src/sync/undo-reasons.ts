import type { KeptCode } from './change-plan.rules.ts'

/** Why a field or record was not put back, and what somebody can do about it. */
export const undoReasons: Readonly<
  Record<KeptCode | 'undo.partly' | 'undo.outdated', { title: string; whatToDo: string }>
> = {
  'undo.edited_later': {
    title: 'Somebody changed the field after the run',
    whatToDo:
      'Nothing, if the later value is right. Else set the field by hand: the plan of the undo shows both.',
  },
  'undo.edited_here': {
    title: 'The field was changed here and has not gone out yet',
    whatToDo: 'Nothing: the next run sends the newer value.',
  },
  'undo.opt_out_stays': {
    title: 'The person opted out, and an undo never opts anybody in',
    whatToDo: 'Only the person can opt in again.',
  },
  'undo.in_dispute': {
    title: 'A conflict about the field waits for a decision',
    whatToDo: 'Decide it in the conflict inbox.',
  },
  'undo.not_known': {
    title: 'What was there before the run was never read',
    whatToDo: 'Look at the history of the field in the connected system.',
  },
  'undo.not_mapped': {
    title: 'The field is not mapped in this direction any more',
    whatToDo: 'Map it again and undo once more, or set it by hand.',
  },
  'undo.not_kept': {
    title: 'The values of before are not kept any more',
    whatToDo: 'Nothing: their retention is over, or the record goes out as a whole.',
  },
  'undo.owned_there': {
    title: 'The connected system alone writes these records',
    whatToDo: 'Change them there: the next run takes them in as they are.',
  },
  'undo.gone_here': {
    title: 'The record was removed or merged here',
    whatToDo: 'Nothing, unless it should not have been: then restore it here.',
  },
  'undo.gone_there': {
    title: 'The record was deleted or merged in the connected system',
    whatToDo: 'Nothing, unless it should not have been: then restore it there.',
  },
  'undo.erased': {
    title: 'The person was erased on request',
    whatToDo: 'Nothing: what was erased does not come back.',
  },
  'undo.made_here': {
    title: 'The run made the record here, and an undo deletes nobody from the hub',
    whatToDo: 'Delete or erase the record by hand if it should not be here.',
  },
  'undo.made_there': {
    title: 'The run made the record in the connected system, and it stays there',
    whatToDo: 'Ask for the undo with the removal of created records, or delete it there.',
  },
  'undo.touched': {
    title: 'The run made the record, and somebody has changed it since',
    whatToDo: 'Look at it in the connected system, and delete it there if it is of no use.',
  },
  'undo.deleted_there': {
    title: 'The record was deleted in the connected system',
    whatToDo: 'Bring it back from its recycle bin there; the next run takes it up.',
  },
  'undo.partly': {
    title: 'Some of what the run wrote was put back, and some stays',
    whatToDo: 'The plan of the undo names each field that stays, and why.',
  },
  'undo.outdated': {
    title: 'The record was changed after the undo was approved',
    whatToDo: 'Nothing, if the change is right. Else undo the run once more.',
  },
}
