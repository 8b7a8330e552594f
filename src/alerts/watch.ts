import type { Transaction } from '#store/store.ts'

export type Severity = 'info' | 'warning' | 'critical'

/** One look finds no more than this, in the order of the keys: what comes behind stays as it was. */
export const MAX_FINDINGS = 200

/** One thing that is wrong now. Nothing in it is personal: it goes out by mail and chat. */
export interface Finding {
  /** Which thing: the same as long as it is the same trouble. What one person settles in one go has one key. */
  key: string
  /** One sentence, with names of systems and figures. */
  summary: string
  /** Where to do something about it: a path of the console. */
  link: string
  /** Ids and figures. */
  values: Readonly<Record<string, string | number | boolean | null>>
}

/**
 * Something of a module's state that somebody has to be told of. The alerts engine looks every minute and tells of changes:
 * a finding that is new, and one that is gone.
 */
export interface Watch {
  /** `area.what`, such as `sync.connection_failing`. */
  name: string
  /** What it means when it finds something, as a heading. */
  title: string
  severity: Severity
  /** The role that usually settles it. */
  role: string
  /** For how long it must be found before anybody is told; at once when left out. */
  lastsMinutes?: number
  /**
   * Found again within so many minutes after it was gone, it is the same alert; that it is over is told when they have
   * passed. 15 when left out.
   */
  backWithinMinutes?: number
  /** Everything that is wrong in this workspace, at most `MAX_FINDINGS`, in the order of the keys. Set-based: one statement. */
  look(tx: Transaction, now: Date): Promise<Finding[]>
}
