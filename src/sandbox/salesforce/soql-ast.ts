/** A parsed query of the SOQL subset. Positions count characters from 0, for error messages. */
export interface Query {
  select: SelectItem[]
  object: string
  objectAt: number
  where: Condition | null
  orderBy: { path: Path; isDescending: boolean; nullsFirst: boolean }[]
  limit: number | null
  offset: number
}

/** A field, or a field of the row that a lookup names: `Account.Name`. */
export interface Path {
  names: string[]
  at: number
}

export type SelectItem =
  | { kind: 'path'; path: Path }
  | { kind: 'count' }
  /** `FIELDS(ALL)` and its likes. */
  | { kind: 'fields'; which: 'ALL' | 'STANDARD' | 'CUSTOM' }
  /** The children by the name of their relationship. */
  | { kind: 'children'; query: Query }

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE'

export type Condition =
  | { kind: 'and' | 'or'; parts: Condition[] }
  | { kind: 'not'; part: Condition }
  | { kind: 'compare'; path: Path; operator: Operator; value: Literal }
  | { kind: 'in'; path: Path; isNegated: boolean; values: Literal[] }
  /** A semi-join: `ContactId IN (SELECT Id FROM Contact …)`. */
  | { kind: 'in-query'; path: Path; isNegated: boolean; query: Query }
  | { kind: 'includes'; path: Path; isNegated: boolean; values: string[] }

export type Literal =
  | { kind: 'string'; value: string }
  | { kind: 'number'; value: number }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'null' }
  | { kind: 'datetime'; value: number }
  | { kind: 'date'; value: string }
  | { kind: 'range'; name: string; n: number }

/** Why a query cannot be answered. Salesforce docs: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE. */
export class SoqlError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The vendor's message: the text around the place, a caret, row and column, and what is wrong. */
export function errorAt(code: string, soql: string, at: number, message: string): SoqlError {
  const from = Math.max(0, at - 40)
  const excerpt = soql.slice(from, at + 40)
  const caret = `${' '.repeat(at - from)}^`
  return new SoqlError(code, `\n${excerpt}\n${caret}\nERROR at Row:1:Column:${at + 1}\n${message}`)
}
