import type { Client } from '#console/pages/permissions/access.queries.ts'

export const clientKinds: Readonly<Record<Client['kind'], string>> = {
  service: 'For itself',
  web: 'For people, from a server',
  native: 'For people, on their device',
}
