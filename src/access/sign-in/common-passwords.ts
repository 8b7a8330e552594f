let common: Promise<ReadonlySet<string>> | null = null

/**
 * The 49,000 commonest passwords of published leaks, in lower case: the list of @zxcvbn-ts/language-common (MIT), which keeps
 * it by frequency. Read at the first use.
 */
export function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) =>
      new Set(dictionary['passwords-common'].map((password) => password.toLowerCase())),
  )
  return common
}
