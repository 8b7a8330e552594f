import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { runQuietly } from '#store/embedded/account.ts'

const isLinux = process.platform === 'linux'

/**
 * When a process started, as text that only serves to be compared; null when it is gone. A zombie is gone: nothing but
 * its entry is left, and only its parent can remove that.
 */
export async function findStartTime(pid: number): Promise<string | null> {
  if (!isLinux) {
    const { code, output } = await runQuietly('ps', ['-o', 'lstart=', '-p', String(pid)], {})
    return code === 0 && output.trim() !== '' ? output.trim() : null
  }
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the command's name before may hold spaces
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null // no such process: that is the answer
  }
}

/**
 * The PostgreSQL processes that work in a data folder.
 *
 * Neither `postmaster.pid` nor the socket's lock can tell: after a kill they name a process that is gone, a zombie, or by
 * now somebody else. On Linux the working directory and the name of each process decide.
 */
export async function listDatabaseProcesses(
  dataFolder: string,
  recordedPid: number | null,
): Promise<number[]> {
  if (!isLinux) return (await isPostgres(recordedPid)) ? [recordedPid ?? 0] : []
  const folder = await realpath(dataFolder)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        if ((await readlink(`/proc/${pid}/cwd`)) !== folder) return null
        const name = await readFile(`/proc/${pid}/comm`, 'utf8')
        return name.startsWith('postgres') ? Number(pid) : null
      } catch {
        return null // it ended meanwhile, or belongs to somebody else
      }
    }),
  )
  return found.filter((pid) => pid !== null)
}

async function isPostgres(pid: number | null): Promise<boolean> {
  if (pid === null) return false
  const { code, output } = await runQuietly('ps', ['-o', 'comm=', '-p', String(pid)], {})
  return code === 0 && output.includes('postgres')
}
