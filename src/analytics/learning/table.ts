/** A column of measurements; a missing one is NaN. */
export interface NumberColumn {
  kind: 'number'
  name: string
  values: Float64Array
}

/** A column of names: each row's place in `levels`, −1 where it is missing. */
export interface CategoryColumn {
  kind: 'category'
  name: string
  codes: Int32Array
  levels: readonly string[]
}

export type Column = NumberColumn | CategoryColumn

/** Columns of one length, in the order in which a model keeps them. */
export interface Table {
  rows: number
  columns: readonly Column[]
}

/** The rows at these places, in their order. O(columns · places). */
export function takeRows(table: Table, places: Int32Array): Table {
  const columns = table.columns.map((column): Column => {
    if (column.kind === 'number') {
      const values = new Float64Array(places.length)
      for (let i = 0; i < places.length; i += 1) values[i] = column.values[places[i]!]!
      return { ...column, values }
    }
    const codes = new Int32Array(places.length)
    for (let i = 0; i < places.length; i += 1) codes[i] = column.codes[places[i]!]!
    return { ...column, codes }
  })
  return { rows: places.length, columns }
}

/** The labels at these places. */
export function takeLabels(labels: Uint8Array, places: Int32Array): Uint8Array {
  const taken = new Uint8Array(places.length)
  for (let i = 0; i < places.length; i += 1) taken[i] = labels[places[i]!]!
  return taken
}

/**
 * A category column from texts: levels in the order of their first appearance, missing where null.
 * @param levels  the levels of a model, when it is to be read by it: a text that is none of them becomes missing's neighbour, −2.
 */
export function categoryColumn(
  name: string,
  texts: readonly (string | null)[],
  levels?: readonly string[],
): CategoryColumn {
  const known = new Map((levels ?? []).map((level, code) => [level, code]))
  const codes = new Int32Array(texts.length)
  for (let i = 0; i < texts.length; i += 1) {
    const text = texts[i] ?? null
    let code = text === null ? -1 : known.get(text)
    if (code === undefined) {
      code = levels === undefined ? known.size : UNSEEN
      if (levels === undefined) known.set(text!, code)
    }
    codes[i] = code
  }
  return { kind: 'category', name, codes, levels: levels ?? [...known.keys()] }
}

/** The code of a level that a model never saw; it is read as the average one. */
export const UNSEEN = -2

export function numberColumn(name: string, values: Float64Array): NumberColumn {
  return { kind: 'number', name, values }
}

/** The places of a fold's training rows and of its held-out rows, both ascending. */
export interface Fold {
  train: Int32Array
  test: Int32Array
}
