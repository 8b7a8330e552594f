import { errorAt } from './soql-ast.ts'
import type { Condition, Literal, Operator, Path, Query, SelectItem } from './soql-ast.ts'
import { readDate, readTime } from './times.ts'

interface Token {
  kind: 'word' | 'string' | 'number' | 'moment' | 'symbol' | 'end'
  text: string
  at: number
}

const TOKEN =
  /\s+|(?<moment>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?)|(?<number>[+-]?\d+(?:\.\d+)?)|(?<word>[A-Za-z_]\w*(?::\d+)?)|'(?<string>(?:[^'\\]|\\.)*)'|(?<symbol><=|>=|!=|<>|[=<>(),.])/y

/** Splits the text into tokens. O(n): every alternative begins with another character. */
function tokensOf(soql: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; at < soql.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(soql)
    if (!match) throw unexpected(soql, at, soql[at] ?? '')
    const found = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)
    if (found) tokens.push({ kind: found[0] as Token['kind'], text: found[1] ?? '', at })
  }
  return [...tokens, { kind: 'end', text: '<EOF>', at: soql.length }]
}

function unexpected(soql: string, at: number, text: string) {
  return errorAt('MALFORMED_QUERY', soql, at, `unexpected token: '${text}'`)
}

/**
 * Parses a query. Salesforce docs: SOQL SELECT syntax; the subset is FROM one object, WHERE, ORDER
 * BY, LIMIT, OFFSET, lookups, child sub-queries, semi-joins and COUNT().
 *
 * @throws SoqlError MALFORMED_QUERY.
 */
export function parseQuery(soql: string): Query {
  const parser = new Parser(soql)
  const query = parser.query()
  parser.end()
  return query
}

/** Parses what stands behind WHERE. @throws SoqlError MALFORMED_QUERY. */
export function parseCondition(text: string): Condition {
  const parser = new Parser(text)
  const condition = parser.condition()
  parser.end()
  return condition
}

class Parser {
  private readonly soql: string
  private readonly tokens: Token[]
  private position = 0

  constructor(soql: string) {
    this.soql = soql
    this.tokens = tokensOf(soql)
  }

  query(): Query {
    this.expectWord('SELECT')
    const select = this.list(() => this.selectItem())
    this.expectWord('FROM')
    const from = this.take('word')
    const query: Query = {
      select,
      object: from.text,
      objectAt: from.at,
      where: this.acceptWord('WHERE') ? this.condition() : null,
      orderBy: [],
      limit: null,
      offset: 0,
    }
    if (this.acceptWord('ORDER')) {
      this.expectWord('BY')
      query.orderBy = this.list(() => this.orderItem())
    }
    if (this.acceptWord('LIMIT')) query.limit = Number(this.take('number').text)
    if (this.acceptWord('OFFSET')) query.offset = Number(this.take('number').text)
    if (this.acceptWord('ALL')) this.expectWord('ROWS')
    return query
  }

  /** AND and OR may not stand beside each other without parentheses. */
  condition(): Condition {
    const first = this.term()
    const word = ['AND', 'OR'].find((each) => this.isWord(each))
    if (word === undefined) return first
    const parts = [first]
    while (this.acceptWord(word)) parts.push(this.term())
    if (this.isWord('AND') || this.isWord('OR')) throw this.unexpected()
    return { kind: word === 'AND' ? 'and' : 'or', parts }
  }

  end(): void {
    if (this.peek().kind !== 'end') throw this.unexpected()
  }

  private selectItem(): SelectItem {
    if (this.acceptSymbol('(')) {
      const query = this.query()
      this.expectSymbol(')')
      return { kind: 'children', query }
    }
    if (this.isWord('COUNT') && this.tokens[this.position + 1]?.text === '(') {
      this.position += 2
      this.expectSymbol(')')
      return { kind: 'count' }
    }
    if (this.isWord('FIELDS') && this.tokens[this.position + 1]?.text === '(') {
      this.position += 2
      const which = this.take('word').text.toUpperCase()
      this.expectSymbol(')')
      if (which === 'ALL' || which === 'STANDARD' || which === 'CUSTOM') {
        return { kind: 'fields', which }
      }
      throw this.unexpected()
    }
    return { kind: 'path', path: this.path() }
  }

  private orderItem() {
    const path = this.path()
    const isDescending = this.acceptWord('DESC')
    if (!isDescending) this.acceptWord('ASC')
    let nullsFirst = !isDescending
    if (this.acceptWord('NULLS')) {
      nullsFirst = this.acceptWord('FIRST')
      if (!nullsFirst) this.expectWord('LAST')
    }
    return { path, isDescending, nullsFirst }
  }

  private term(): Condition {
    if (this.acceptWord('NOT')) return { kind: 'not', part: this.term() }
    if (this.acceptSymbol('(')) {
      const inner = this.condition()
      this.expectSymbol(')')
      return inner
    }
    const path = this.path()
    const isNegated = this.acceptWord('NOT')
    if (this.acceptWord('IN')) return this.inList(path, isNegated)
    if (isNegated) throw this.unexpected()
    if (this.isWord('INCLUDES') || this.isWord('EXCLUDES')) {
      const isExcluding = this.take('word').text.toUpperCase() === 'EXCLUDES'
      this.expectSymbol('(')
      const values = this.list(() => this.take('string')).map(({ text }) => unescape(text))
      this.expectSymbol(')')
      return { kind: 'includes', path, isNegated: isExcluding, values }
    }
    return { kind: 'compare', path, operator: this.operator(), value: this.literal() }
  }

  private inList(path: Path, isNegated: boolean): Condition {
    this.expectSymbol('(')
    if (this.isWord('SELECT')) {
      const query = this.query()
      this.expectSymbol(')')
      return { kind: 'in-query', path, isNegated, query }
    }
    const values = this.list(() => this.literal())
    this.expectSymbol(')')
    return { kind: 'in', path, isNegated, values }
  }

  private operator(): Operator {
    if (this.acceptWord('LIKE')) return 'LIKE'
    const token = this.peek()
    const text = token.text === '<>' ? '!=' : token.text
    if (token.kind !== 'symbol' || !OPERATORS.has(text)) throw this.unexpected()
    this.position += 1
    return text as Operator
  }

  private literal(): Literal {
    const token = this.peek()
    this.position += 1
    switch (token.kind) {
      case 'string':
        return { kind: 'string', value: unescape(token.text) }
      case 'number':
        return { kind: 'number', value: Number(token.text) }
      case 'moment': {
        const date = readDate(token.text)
        if (date !== null) return { kind: 'date', value: date }
        const value = readTime(token.text)
        if (value === null) break
        return { kind: 'datetime', value }
      }
      case 'word': {
        const word = token.text.toUpperCase()
        if (word === 'TRUE' || word === 'FALSE') return { kind: 'boolean', value: word === 'TRUE' }
        if (word === 'NULL') return { kind: 'null' }
        const [name = '', n = '0'] = word.split(':')
        if (!RANGES.has(name)) break
        return { kind: 'range', name, n: Number(n) }
      }
      case 'symbol':
      case 'end':
    }
    this.position -= 1
    throw this.unexpected()
  }

  private path(): Path {
    const first = this.take('word')
    const names = [first.text]
    while (this.acceptSymbol('.')) names.push(this.take('word').text)
    return { names, at: first.at }
  }

  private list<T>(item: () => T): T[] {
    const items = [item()]
    while (this.acceptSymbol(',')) items.push(item())
    return items
  }

  private peek(): Token {
    return this.tokens[this.position] ?? { kind: 'end', text: '<EOF>', at: this.soql.length }
  }

  private isWord(word: string): boolean {
    const token = this.peek()
    return token.kind === 'word' && token.text.toUpperCase() === word
  }

  private acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false
    this.position += 1
    return true
  }

  private acceptSymbol(symbol: string): boolean {
    const token = this.peek()
    if (token.kind !== 'symbol' || token.text !== symbol) return false
    this.position += 1
    return true
  }

  private expectWord(word: string): void {
    if (!this.acceptWord(word)) throw this.unexpected()
  }

  private expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected()
  }

  private take(kind: Token['kind']): Token {
    const token = this.peek()
    if (token.kind !== kind) throw this.unexpected()
    if (kind === 'word' && RESERVED.has(token.text.toUpperCase())) throw this.unexpected()
    this.position += 1
    return token
  }

  private unexpected() {
    const { at, text } = this.peek()
    return unexpected(this.soql, at, text)
  }
}

const OPERATORS = new Set(['=', '!=', '<', '<=', '>', '>='])
const RANGES = new Set(['TODAY', 'YESTERDAY', 'TOMORROW', 'LAST_N_DAYS', 'NEXT_N_DAYS'])
const RESERVED = new Set(['SELECT', 'FROM', 'WHERE', 'AND', 'OR', 'NOT', 'LIKE', 'ORDER', 'LIMIT'])

/** Salesforce docs: SOQL quoted string escape sequences. */
function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? letter)
}
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
