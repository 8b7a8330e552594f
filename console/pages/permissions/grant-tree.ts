import type { Grant } from '#console/pages/permissions/access.queries.ts'

/** The levels of the tree of rights, from the top. */
export const levels = [
  { prefix: 'org', label: 'Organisation' },
  { prefix: 'domain', label: 'Domain' },
  { prefix: 'team', label: 'Team' },
  { prefix: 'record', label: 'Record' },
] as const

export type Level = (typeof levels)[number]['prefix']

/** Where a node stands: `domain:sales` is at depth 1 and named `sales`. */
export function placeOf(node: string): { level: string; depth: number; name: string | null } {
  const at = node.indexOf(':')
  const prefix = at < 0 ? node : node.slice(0, at)
  const depth = Math.max(
    0,
    levels.findIndex((level) => level.prefix === prefix),
  )
  return {
    level: levels[depth]?.label ?? prefix,
    depth,
    name: at < 0 ? null : node.slice(at + 1),
  }
}

/** From the organisation down, at one place denials first: they win. */
export function inTree(grants: readonly Grant[]): Grant[] {
  const keyOf = ({ node, effect, scope }: Grant) =>
    `${placeOf(node).depth} ${node} ${effect === 'deny' ? 0 : 1} ${scope}`
  return grants.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}
