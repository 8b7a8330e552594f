/** A path template such as `/crm/v3/objects/{type}` with what stands behind it. */
export interface Routed<T> {
  method: string
  path: string
  target: T
}

export interface Match<T> {
  /** `METHOD /the/{template}`. */
  route: string
  params: Record<string, string>
  target: T
}

interface Node<T> {
  literals: Map<string, Node<T>>
  variable: Node<T> | null
  targets: Map<string, { route: string; names: string[]; target: T }>
}

/**
 * A finder of the route for a method and path. Literal segments win over `{variables}`; a trailing
 * slash is ignored. Returns null when nothing fits.
 */
export function createRouter<T>(routes: readonly Routed<T>[]) {
  const root = newNode<T>()
  for (const { method, path, target } of routes) {
    const names: string[] = []
    let node = root
    for (const segment of segmentsOf(path)) {
      if (segment.startsWith('{')) {
        names.push(segment.slice(1, -1))
        node.variable ??= newNode()
        node = node.variable
        continue
      }
      const next = node.literals.get(segment) ?? newNode<T>()
      node.literals.set(segment, next)
      node = next
    }
    node.targets.set(method, { route: `${method} ${path}`, names, target })
  }
  return (method: string, path: string): Match<T> | null => {
    const values: string[] = []
    const found = walk(root, segmentsOf(path), 0, method, values)
    if (!found) return null
    const params = Object.fromEntries(
      found.names.map((name, i) => [name, decodeSegment(values[i] ?? '')]),
    )
    return { route: found.route, params, target: found.target }
  }
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), variable: null, targets: new Map() }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '')
}

/** The percent-decoded segment, or the segment as it came when it cannot be decoded. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

function walk<T>(
  node: Node<T>,
  segments: string[],
  at: number,
  method: string,
  values: string[],
): { route: string; names: string[]; target: T } | null {
  const segment = segments[at]
  if (segment === undefined) return node.targets.get(method) ?? null
  const literal = node.literals.get(segment)
  const found = literal && walk(literal, segments, at + 1, method, values)
  if (found) return found
  if (!node.variable) return null
  values.push(segment)
  const through = walk(node.variable, segments, at + 1, method, values)
  if (!through) values.pop()
  return through
}
