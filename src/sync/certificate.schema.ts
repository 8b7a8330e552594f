import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { ReadBack, RunId } from './connection.schema.ts'

const Side = z.object({
  records: z.int(),
  hash: z.string().meta({
    description:
      'Of ids and values that the hub writes, in any order; under a key of its own each time',
  }),
})

/** What a run left behind at the vendor, read back. */
export const Certificate = z.object({
  runId: RunId,
  verdict: z.enum(['complete', 'incomplete', 'not_proved', 'not_checked']).meta({
    description:
      'complete: everything written is there. incomplete: some is not, and is sent again. not_proved: what was read back is there, and ' +
      'some was not read back (`unreadCount`), because the connection reads back a sample or nothing. not_checked: nothing was read back, as ' +
      'in runs that send changes at once; the next whole run does',
  }),
  checkCalls: z.int().meta({ description: 'Calls that reading back took, apart from `calls`' }),
  streams: z.array(
    z.object({
      stream: z.string(),
      scope: z.enum(['written', 'whole']).meta({
        description:
          'written: what was written since it was last read back. whole: every linked record',
      }),
      readBack: ReadBack,
      unreadCount: z
        .int()
        .meta({ description: 'In its scope and not read back: nothing is proved of these' }),
      here: Side.meta({ description: 'What the hub believes to be there' }),
      there: Side.meta({ description: 'What is there' }),
      buckets: z.int(),
      differingBuckets: z.int(),
      missing: z.int().meta({
        description:
          'Written, and not there: records of the run with the cause certificate.missing',
      }),
      lost: z.int().meta({
        description:
          'A field is as it was before our write: records of the run with the cause certificate.lost',
      }),
      gone: z.int().meta({ description: 'There once and not any more: the next run looks' }),
      changedThere: z.int().meta({ description: 'Changed there since; taken in by the next run' }),
      checkedAt: Instant,
    }),
  ),
})
