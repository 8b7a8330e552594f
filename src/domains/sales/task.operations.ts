import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { Task, TaskChange, TaskPage, TaskQuery } from './task.schema.ts'
import { taskClosed } from './task.rules.ts'
import { closeTask, findTask, listTasks as listTaskRows } from './task.store.ts'

export const listTasks = defineOperation({
  id: 'listTasks',
  method: 'GET',
  path: '/api/v1/tasks',
  scope: 'tasks:read',
  tag: 'Tasks',
  summary: 'List follow-up tasks, newest first',
  input: TaskQuery,
  output: TaskPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Lead', field: 'leadId' },
    { title: 'Owner', field: 'ownerId' },
    { title: 'State', field: 'state' },
    { title: 'Due', field: 'dueAt' },
    { title: 'Escalated', field: 'escalatedAt' },
    { title: 'Closed', field: 'closedAt' },
    { title: 'Created', field: 'createdAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx, now }) {
    const [createdAt, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after = id === undefined ? null : { createdAt: String(createdAt), id: String(id) }
    const rows = await listTaskRows(tx, filter, { limit, after }, now)
    return cutPage(rows, limit, (task) => [task.createdAt.toISOString(), task.id])
  },
})

export const changeTask = defineOperation({
  id: 'changeTask',
  method: 'PATCH',
  path: '/api/v1/tasks/{taskId}',
  scope: 'tasks:write',
  tag: 'Tasks',
  summary: 'Close a task as done or cancelled',
  subject: (task) => task.id,
  row: {
    table: 'tasks',
    key: 'id',
    field: 'taskId',
    columns: ['state', 'owner_id', 'due_at', 'closed_at'],
  },
  input: TaskChange,
  output: Task,
  async perform({ taskId, state }, context) {
    const { tx, now } = context
    const held = await findTask(tx, taskId)
    if (held === null) throw new Problem('resource.not_found', 'There is no task with this id.')
    if (held.state === state) return held
    const closed = await closeTask(tx, taskId, state, now)
    if (closed === null) throw new Problem('task.closed', `The task is ${held.state} already.`)
    context.emit(taskClosed(closed))
    return closed
  },
})
