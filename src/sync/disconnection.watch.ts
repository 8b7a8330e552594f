import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'

/** What the connected system refused: it is over once somebody says that the webhooks are gone. */
export const webhooksLeft: Watch = {
  name: 'sync.webhooks_left',
  title: 'Webhooks of a deleted connection are to be deleted by hand',
  severity: 'warning',
  role: 'integrator',
  async look(tx) {
    const rows = await tx.query(sql<{
      id: string
      name: string
      vendor: string
      address: string
    }>`
      select connection_id as id, name, vendor, address from sync_disconnections
      where state = 'by_hand' order by connection_id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, vendor, address }) => ({
      key: id,
      summary: `${name} is deleted, and did not let the hub take its webhooks away: delete those to ${address} there.`,
      link: '/connections',
      values: { connectionId: id, vendor },
    }))
  },
}
