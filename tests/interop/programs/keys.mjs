// Keys with a certificate, as files and as JOSE headers hold them.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The key in a PEM file, and the certificate after it as `x5c` header. */
export function readChain(file) {
  const text = readFileSync(file, 'utf8')
  const [, certificate] = text.match(/BEGIN CERTIFICATE-----([^-]*)/)
  return { key: createPrivateKey(text), x5c: [certificate.replace(/\s/g, '')] }
}

/** The public key that an `x5c` header is for. */
export const certified = ([certificate]) =>
  new X509Certificate(Buffer.from(certificate, 'base64')).publicKey
