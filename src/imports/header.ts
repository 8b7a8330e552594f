/**
 * Names for columns, each one once: blanks become `column 3` (counting from 1), a name that was seen
 * before becomes `name (2)`. Spaces around a name and control characters in it are left out.
 */
export function nameColumns(header: readonly string[]): string[] {
  const taken = new Set<string>()
  const written = new Set(header.map(cleanName))
  return header.map((raw, i) => {
    const clean = cleanName(raw)
    const base = clean === '' ? `column ${i + 1}` : clean
    let name = base
    // A generated name must not take one that another column has by itself.
    for (let n = 2; taken.has(name) || (name !== clean && written.has(name)); n += 1) {
      name = `${base} (${n})`
    }
    taken.add(name)
    return name
  })
}

/** Names for a file without a header: `column 1` to `column n`. */
export function numberColumns(width: number): string[] {
  return Array.from({ length: width }, (_, i) => `column ${i + 1}`)
}

function cleanName(raw: string): string {
  return raw
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
    .slice(0, 200)
}

export interface HeaderVerdict {
  hasHeader: boolean
  reason: string
}

const NUMBER_OR_DATE = /^[\d.,\s'/:%€$£+-]+$/u
const ADDRESS = /^[^\s@]+@[^\s@]+$/u

/**
 * Whether the first row names the columns: it holds no numbers, dates or addresses, names nothing
 * twice, and differs in kind from what stands below it.
 */
export function judgeHeader(rows: readonly (readonly string[])[]): HeaderVerdict {
  const [first, ...rest] = rows
  if (first === undefined) return { hasHeader: false, reason: 'The file has no rows.' }
  const data = first.find((cell) => isDataLike(cell))
  if (data !== undefined) {
    return { hasHeader: false, reason: 'The first row holds values, not names: no header.' }
  }
  const named = first.filter((cell) => cell.trim() !== '')
  if (named.length === 0) return { hasHeader: false, reason: 'The first row is empty: no header.' }
  if (rest.length === 0) return { hasHeader: true, reason: 'The only row is taken for the header.' }
  const contrast = first.findIndex((_, i) => rest.some((row) => isDataLike(row[i] ?? '')))
  if (contrast !== -1) {
    const name = `column ${contrast + 1}`
    return { hasHeader: true, reason: `The first row holds names; below it ${name} holds values.` }
  }
  const below = rest.slice(0, 500)
  const repeated = first.filter((cell, i) => below.some((row) => row[i] === cell && cell !== ''))
  if (repeated.length > 0) {
    return {
      hasHeader: false,
      reason: 'What the first row holds stands in later rows too: no header.',
    }
  }
  return { hasHeader: true, reason: 'The first row differs from all later ones: taken as header.' }
}

function isDataLike(cell: string): boolean {
  const text = cell.trim()
  if (text.length === 0 || text.length > 200) return false
  if (NUMBER_OR_DATE.test(text)) return /\d/u.test(text)
  return ADDRESS.test(text) || text.startsWith('https://') || text.startsWith('http://')
}
