// The credential that the issuers here issue: a library card, as SD-JWT VC.

import { createHash, randomBytes, sign } from 'node:crypto'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { readChain } from './keys.mjs'
import { settings } from './serving.mjs'

const vct = 'urn:example:interop:1'

export const display = [{ name: 'Issuer of other people', locale: 'en' }]

export const configurations = {
  card: {
    format: 'dc+sd-jwt',
    vct,
    scope: 'card',
    cryptographic_binding_methods_supported: ['jwk'],
    credential_signing_alg_values_supported: ['ES256'],
    proof_types_supported: { jwt: { proof_signing_alg_values_supported: ['ES256'] } },
    credential_metadata: {
      display: [{ name: 'Library card', locale: 'en' }],
      claims: [
        { path: ['given_name'], mandatory: true, display: [{ name: 'Given name', locale: 'en' }] },
        { path: ['reads', null], mandatory: true, display: [{ name: 'Reads', locale: 'en' }] },
      ],
    },
  },
}

/** The card, bound to the holder's key. */
export function card(holderJwk) {
  const { key, x5c } = readChain(settings.chain)
  const instance = new SDJwtVcInstance({
    signAlg: 'ES256',
    signer: (data) =>
      sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
    hashAlg: 'sha-256',
    hasher: (data) => createHash('sha256').update(data).digest(),
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
  })
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    given_name: 'Zita',
    address: { locality: 'Genève', country: 'CH' },
    reads: ['fr', 'de'],
  }
  return instance.issue(
    { iss: settings.url, vct, iat: now, exp: now + 3600, cnf: { jwk: holderJwk }, ...claims },
    { _sd: ['given_name', 'address'], address: { _sd: ['locality'] }, reads: { _sd: [0, 1] } },
    { header: { x5c } }
  )
}
