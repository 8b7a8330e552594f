/** A merge by hand that holds: `fromId` stands under `intoId`. Greater `seq`: later. */
export interface Layer {
  id: string
  seq: number
  fromId: string
  intoId: string
}

/** Set-aside values of a merge: those of one side as it is without the other. */
export interface SetAside {
  id: string
  side: 'from' | 'into'
}

/**
 * The set-aside values that a change which names `homeId` is part of. They are those of each side that the person belongs to: its
 * own side of every merge above it, and what stood there before others joined. So each merge can be taken off, the latest first,
 * by putting the values of both sides in place.
 *
 * O(layers · depth).
 */
export function setAsideOf(homeId: string, layers: readonly Layer[]): SetAside[] {
  const found: SetAside[] = []
  let current = homeId
  let joined = -Infinity
  for (;;) {
    for (const { id, seq, intoId } of layers)
      if (intoId === current && seq > joined) found.push({ id, side: 'into' })
    const up = layers.find(({ fromId }) => fromId === current)
    if (up === undefined) return found
    found.push({ id: up.id, side: 'from' })
    current = up.intoId
    joined = up.seq
  }
}
