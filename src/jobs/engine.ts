export interface Jobs {
  enqueue(...a: unknown[]): Promise<void>
  drain(): Promise<void>
  tick(now: Date): Promise<void>
  stop(): Promise<void>
}
export async function startJobs(_parts: Record<string, unknown>): Promise<Jobs> {
  return { async enqueue() {}, async drain() {}, async tick() {}, async stop() {} }
}
