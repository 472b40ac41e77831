// What @openid4vc asks of its host: hashes, random numbers, keys and signatures.

import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { certified, readChain } from './keys.mjs'

const privateKeys = new Map() // by the `x` of their public halves

/** A new key, as @openid4vc wants to hear of it. */
export async function newSigner() {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const publicJwk = await exportJWK(publicKey)
  privateKeys.set(publicJwk.x, privateKey)
  return { method: 'jwk', alg: 'ES256', publicJwk }
}

/** The key of a PEM file with its certificate. */
export function certifiedSigner(file) {
  const { key, x5c } = readChain(file)
  privateKeys.set(certified(x5c).export({ format: 'jwk' }).x, key)
  return { method: 'x5c', alg: 'ES256', x5c }
}

export const callbacks = {
  fetch,
  generateRandom: (bytes) => randomBytes(bytes),
  hash: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
  async signJwt({ publicJwk, x5c }, { header, payload }) {
    const signerJwk = publicJwk ?? certified(x5c).export({ format: 'jwk' })
    const key = privateKeys.get(signerJwk.x)
    const jwt = await new SignJWT(payload).setProtectedHeader(header).sign(key)
    return { jwt, signerJwk }
  },
  async verifyJwt({ alg, publicJwk, x5c }, { compact }) {
    const signerJwk = publicJwk ?? certified(x5c).export({ format: 'jwk' })
    try {
      await jwtVerify(compact, await importJWK(signerJwk, alg))
      return { verified: true, signerJwk }
    } catch {
      return { verified: false }
    }
  },
}
