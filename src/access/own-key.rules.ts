/** What gives rights, makes credentials, or clears what was held back: for people who confirm that it is them. */
const IN_PERSON = new Set([
  'account:write',
  'users:write',
  'keys:write',
  'access:write',
  'security:write',
  'scoring:promote',
])

/** Whether a person's key may have the scope; signatures are theirs alone. */
export function mayBeInOwnKey(scope: string): boolean {
  return !IN_PERSON.has(scope) && !scope.endsWith(':approve')
}
