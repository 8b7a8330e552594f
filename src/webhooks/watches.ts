import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'
import { BY_HAND } from './endpoint.store.ts'

const endpointDisabled: Watch = {
  name: 'webhooks.endpoint_disabled',
  title: 'A webhook endpoint was switched off',
  severity: 'warning',
  role: 'integrator',
  async look(tx) {
    const rows = await tx.query(sql<{ id: string; host: string; reason: string; pending: number }>`
      select e.id, substring(e.url from '^[^/]*//([^/?#]*)') as host, e.disabled_reason as reason,
        (select count(*)::int from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'pending') as pending
      from webhook_endpoints e
      where e.state = 'disabled' and e.disabled_reason <> ${BY_HAND} order by e.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, host, reason, pending }) => ({
      key: id,
      summary: `The endpoint at ${host} is told nothing any more; ${pending} messages wait. ${reason}`,
      link: '/alerts',
      values: { endpointId: id, pending },
    }))
  },
}

export const webhookWatches: readonly Watch[] = [endpointDisabled]
