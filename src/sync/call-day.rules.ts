import { instantToLocal, localToInstant } from '#core/zone.ts'

/** The hour that clocks of the zone show. Pure. */
export function hourOf(at: Date, zone: string): number {
  return instantToLocal(at, zone).hour
}

/** When the clocks of the zone show the hour on the day that holds the moment; 24: the next day begins. Pure. */
export function hourOfDay(at: Date, zone: string, hour: number): Date {
  const { year, month, day } = instantToLocal(at, zone)
  return localToInstant({ year, month, day, hour, minute: 0, second: 0, ms: 0 }, zone)
}
