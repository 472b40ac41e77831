// What every server here shares: its settings, and TLS on a port of this machine.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

export const settings = JSON.parse(process.argv[2])

/** Serve until standard input ends; says `ready` when connections are accepted. */
export function serve(listener) {
  const pem = readFileSync(settings.tls)
  const { port, hostname } = new URL(settings.url)
  createServer({ cert: pem, key: pem }, listener).listen(port, hostname, () => console.log('ready'))
  process.stdin.on('end', () => process.exit()).resume()
}
