import type { Transaction } from '#store/store.ts'

/** A connection as it stands: what it carries, and a fingerprint that another mapping or setting changes. */
export interface Integration {
  connectionId: string
  /** The entities of its streams. */
  entities: readonly string[]
  fingerprint: string
}

/** A domain of an integration, and who signed or refused it as it stands; null for nobody yet. */
export interface Signature {
  domain: string
  approvedBy: string | null
  approvedAt: Date | null
  refusal: { by: string; at: Date; reason: string } | null
}

/** Who has to sign an integration before it may read or write anything. Filled in by the access module. */
export interface Approval {
  /** The domains that these kinds of records concern. */
  domainsOf(entities: readonly string[]): string[]
  /** The domains that the integration touches, each with its signature for this very fingerprint. */
  list(tx: Transaction, integration: Integration): Promise<Signature[]>
  sign(
    tx: Transaction,
    integration: Integration,
    domain: string,
    by: string,
    now: Date,
  ): Promise<void>
  /** Takes the place of a signature: the integration neither reads nor writes until the domain signs. */
  refuse(
    tx: Transaction,
    integration: Integration,
    domain: string,
    refusal: { by: string; at: Date; reason: string },
  ): Promise<void>
}
