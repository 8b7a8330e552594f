import { z } from 'zod'

// The content security policy allows no code made from text, which is what the schema compiler would make. It has to be
// told before the first schema is defined, so everything that defines one is loaded afterwards.
z.config({ jitless: true })

await import('#console/start.tsx')
