import { z } from 'zod'
import { ConnectionId, RunId } from './connection.schema.ts'

const UndoRef = z.object({ runId: RunId })

export const NewUndo = UndoRef.extend({
  removeCreated: z.boolean().default(false).meta({
    description:
      'Records that the run made in the connected system are deleted there, where it has a recycle bin and nobody has touched them since',
  }),
})

export const UndoQuery = UndoRef.extend({ removeCreated: z.stringbool().default(false) })

const Side = z.enum(['here', 'there'])

export const UndoPreview = z.object({
  runId: RunId,
  connectionId: ConnectionId,
  back: z
    .array(
      z.object({
        stream: z.string(),
        side: Side,
        action: z.enum(['update', 'delete']),
        records: z.int(),
        fields: z.int(),
      }),
    )
    .meta({ description: 'What goes back in the hub (here) and in the connected system (there)' }),
  kept: z
    .array(
      z.object({
        stream: z.string(),
        side: Side,
        code: z.string(),
        title: z.string(),
        whatToDo: z.string(),
        by: z.string().nullable().meta({
          description:
            'Who changed it later: a principal, `crm` for somebody in the connected system, `hub` for a later run',
        }),
        records: z.int(),
        fields: z.int(),
      }),
    )
    .meta({ description: 'What the run wrote and that stays as it is, by reason' }),
  recycles: z
    .array(z.object({ stream: z.string(), about: z.string() }))
    .meta({ description: 'Where records go that an undo deletes in the connected system' }),
  isWhole: z.boolean().meta({
    description: 'False: the run wrote more records than a preview looks at; the plan shows all',
  }),
})
