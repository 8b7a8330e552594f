import type { EventDraft } from '#jobs/job.ts'
import type { TaskRow } from './task.store.ts'

/** What other modules are told of tasks: ids and times. */
export function taskCreated({ id, leadId, ownerId, dueAt }: TaskRow): EventDraft {
  return {
    event: 'task.created',
    subjectId: id,
    data: { leadId, ownerId, dueAt: dueAt.toISOString() },
  }
}

export function taskClosed({ id, leadId, ownerId, state }: TaskRow): EventDraft {
  return { event: 'task.closed', subjectId: id, data: { leadId, ownerId, state } }
}

export function taskEscalated({ id, leadId, ownerId, dueAt }: TaskRow): EventDraft {
  return {
    event: 'task.escalated',
    subjectId: id,
    data: { leadId, ownerId, dueAt: dueAt.toISOString() },
  }
}
