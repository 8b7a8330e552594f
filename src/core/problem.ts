/** One row of the table of problems: what every caller may be told of, and whether to try again. */
export interface ProblemKind {
  status: number
  title: string
  retry: 'no' | 'same request' | 'after a change'
}

const kinds = {
  'request.malformed': {
    status: 400,
    title: 'The request cannot be read',
    retry: 'after a change',
  },
  'request.invalid': { status: 422, title: 'The input does not fit', retry: 'after a change' },
  'request.tls_required': {
    status: 403,
    title: 'The request came without TLS',
    retry: 'after a change',
  },
  'request.too_large': { status: 413, title: 'The request is too large', retry: 'after a change' },
  'request.unsupported_media_type': {
    status: 415,
    title: 'The content type is not supported',
    retry: 'after a change',
  },
  'request.timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    retry: 'same request',
  },
  'request.method_not_allowed': {
    status: 405,
    title: 'The method is not allowed here',
    retry: 'after a change',
  },
  'request.header_invalid': {
    status: 400,
    title: 'A header is malformed',
    retry: 'after a change',
  },
  'resource.not_found': { status: 404, title: 'There is no such resource', retry: 'no' },
  'resource.gone': { status: 410, title: 'The resource was deleted', retry: 'no' },
  'resource.version_mismatch': {
    status: 412,
    title: 'The resource changed in the meantime',
    retry: 'after a change',
  },
  'auth.required': {
    status: 401,
    title: 'Credentials are missing or not valid',
    retry: 'after a change',
  },
  'hook.signature_invalid': {
    status: 401,
    title: 'The request does not carry a valid and fresh signature of the vendor',
    retry: 'no',
  },
  'auth.forbidden': { status: 403, title: 'The credentials lack a scope', retry: 'after a change' },
  'auth.quarantined': {
    status: 403,
    title: 'The credential is held back after signs of an attack',
    retry: 'no',
  },
  'auth.address_blocked': {
    status: 403,
    title: 'The address is refused for a while after signs of an attack',
    retry: 'same request',
  },
  'threat.own_credential': {
    status: 403,
    title: 'A credential does not decide about a threat of its own',
    retry: 'after a change',
  },
  'auth.link_invalid': {
    status: 401,
    title: 'The sign-in link is not valid any more',
    retry: 'after a change',
  },
  'auth.step_up_required': {
    status: 401,
    title: 'A fresh sign-in is needed for this',
    retry: 'after a change',
  },
  'auth.second_factor_required': {
    status: 401,
    title: 'A second factor is needed here',
    retry: 'after a change',
  },
  'auth.sign_in_refused': {
    status: 401,
    title: 'The sign-in was refused',
    retry: 'after a change',
  },
  'auth.sign_in_throttled': {
    status: 429,
    title: 'Too many failed sign-ins',
    retry: 'same request',
  },
  'auth.password_unfit': {
    status: 422,
    title: 'The password cannot be used',
    retry: 'after a change',
  },
  'user.duplicate': {
    status: 409,
    title: 'A user with this address exists already',
    retry: 'after a change',
  },
  'user.last_admin': {
    status: 409,
    title: 'A workspace keeps at least one administrator',
    retry: 'after a change',
  },
  'idempotency.key_reused': {
    status: 422,
    title: 'The idempotency key was used with another request',
    retry: 'after a change',
  },
  'idempotency.in_progress': {
    status: 409,
    title: 'A request with this idempotency key is still running',
    retry: 'same request',
  },
  'quota.exceeded': {
    status: 429,
    title: 'The rate limit or quota is used up',
    retry: 'same request',
  },
  'lead.duplicate': { status: 409, title: 'The lead exists already', retry: 'no' },
  'lead.transition_refused': {
    status: 409,
    title: 'The lead cannot move to this state',
    retry: 'after a change',
  },
  'identity.conflict': {
    status: 409,
    title: 'The identifiers belong to two different people',
    retry: 'after a change',
  },
  'merge.refused': {
    status: 409,
    title: 'These people cannot be merged',
    retry: 'after a change',
  },
  'merge.undo_later_first': {
    status: 409,
    title: 'A later merge rests on this one',
    retry: 'after a change',
  },
  'webhook.address_refused': {
    status: 422,
    title: 'Nothing is sent to this address',
    retry: 'after a change',
  },
  'webhook.too_many': {
    status: 409,
    title: 'There are too many endpoints',
    retry: 'after a change',
  },
  'alert.over': { status: 409, title: 'The alert is over', retry: 'no' },
  'alert.channel_duplicate': {
    status: 409,
    title: 'A channel with this name exists already',
    retry: 'after a change',
  },
  'alert.channel_invalid': {
    status: 422,
    title: 'The channel cannot reach anybody as it is',
    retry: 'after a change',
  },
  'alert.too_many': {
    status: 409,
    title: 'There are too many channels or mutes',
    retry: 'after a change',
  },
  'owner.duplicate': {
    status: 409,
    title: 'An owner with this address exists already',
    retry: 'after a change',
  },
  'task.closed': { status: 409, title: 'The task is closed already', retry: 'no' },
  'campaign.duplicate': {
    status: 409,
    title: 'A campaign with this key exists already',
    retry: 'after a change',
  },
  'connection.duplicate': {
    status: 409,
    title: 'A connection with this name exists already',
    retry: 'after a change',
  },
  'connection.failed': {
    status: 422,
    title: 'The connected system refused the connection',
    retry: 'after a change',
  },
  'conflict.settled': {
    status: 409,
    title: 'The conflict was decided already',
    retry: 'after a change',
  },
  'conflict.not_resolved': {
    status: 409,
    title: 'The conflict was not decided by a person',
    retry: 'after a change',
  },
  'conflict.changed_since': {
    status: 409,
    title: 'The field was changed since the decision',
    retry: 'after a change',
  },
  'conflict.not_writable': {
    status: 409,
    title: 'The record is not written by the hub',
    retry: 'after a change',
  },
  'privacy.decided': {
    status: 409,
    title: 'The request was decided already',
    retry: 'after a change',
  },
  'privacy.suppressed': {
    status: 409,
    title: 'The address was erased on request and does not come back by itself',
    retry: 'after a change',
  },
  'privacy.held': {
    status: 409,
    title: 'A legal hold keeps the data',
    retry: 'after a change',
  },
  'hold.lifted': { status: 409, title: 'The hold was lifted before', retry: 'no' },
  'privacy.second_person': {
    status: 403,
    title: 'An erasure or correction is decided by another person than who took the request',
    retry: 'after a change',
  },
  'privacy.address_taken': {
    status: 409,
    title: 'Another person is known by this address',
    retry: 'after a change',
  },
  'privacy.not_approved': {
    status: 409,
    title: 'The request is not approved',
    retry: 'after a change',
  },
  'sync.paused': { status: 409, title: 'The stream is paused', retry: 'after a change' },
  'sync.running': {
    status: 409,
    title: 'A run of this stream is under way',
    retry: 'same request',
  },
  'sync.plan_open': {
    status: 409,
    title: 'A change plan of this connection is open',
    retry: 'after a change',
  },
  'sync.plan_not_proposed': {
    status: 409,
    title: 'The change plan does not wait for a decision',
    retry: 'after a change',
  },
  'import.file_unreadable': {
    status: 422,
    title: 'The file cannot be imported',
    retry: 'after a change',
  },
  'import.state_refused': {
    status: 409,
    title: 'The import is not in a state for this',
    retry: 'after a change',
  },
  'import.unsettled': {
    status: 422,
    title: 'The import needs a decision before it can start',
    retry: 'after a change',
  },
  'routing.rule_invalid': {
    status: 422,
    title: 'The routing rule does not fit',
    retry: 'after a change',
  },
  'routing.no_owner': {
    status: 409,
    title: 'No owner is available',
    retry: 'after a change',
  },
  'scoring.too_little_data': {
    status: 422,
    title: 'There are too few outcomes to learn from',
    retry: 'after a change',
  },
  'scoring.person_required': {
    status: 403,
    title: 'Only a person who is signed in may do this',
    retry: 'after a change',
  },
  'scoring.state_refused': {
    status: 409,
    title: 'The model is not in a state for this',
    retry: 'after a change',
  },
  'scoring.training': {
    status: 409,
    title: 'A training for this target is under way',
    retry: 'same request',
  },
  'attribution.window_unknown': {
    status: 422,
    title: 'No ledger is kept for this window',
    retry: 'after a change',
  },
  'attribution.model_unknown': {
    status: 422,
    title: 'No ledger is kept for this model',
    retry: 'after a change',
  },
  'attribution.model_unready': {
    status: 409,
    title: 'The model was not fitted yet',
    retry: 'same request',
  },
  'experiment.planned': {
    status: 409,
    title: 'An experiment of this channel is planned already',
    retry: 'after a change',
  },
  'experiment.over': { status: 409, title: 'The experiment is over', retry: 'no' },
  'attribution.model_invalid': {
    status: 422,
    title: 'The model does not fit its method',
    retry: 'after a change',
  },
  'attribution.no_history': {
    status: 422,
    title: 'There is no history for this moment',
    retry: 'after a change',
  },
  'service.unavailable': {
    status: 503,
    title: 'The service cannot answer right now',
    retry: 'same request',
  },
  'service.internal': {
    status: 500,
    title: 'Something went wrong on our side',
    retry: 'same request',
  },
} satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof kinds

/** The one table of problems; `docs/reference/problems.md` is made from it. */
export const problemKinds: Readonly<Record<ProblemCode, ProblemKind>> = kinds

/** One fault in the input: where (RFC 6901 pointer) and what to do about it. */
export interface InputFault {
  pointer: string
  detail: string
}

/**
 * A failure that the caller is told of, as RFC 9457 `application/problem+json`.
 * `detail` says what to do next; it holds no secret, no personal data and no stack.
 */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly errors: readonly InputFault[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    options: {
      errors?: readonly InputFault[]
      headers?: Record<string, string>
      cause?: unknown
    } = {},
  ) {
    super(detail, { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.errors = options.errors ?? []
    this.headers = options.headers ?? {}
  }

  get status(): number {
    return problemKinds[this.code].status
  }

  get title(): string {
    return problemKinds[this.code].title
  }
}
