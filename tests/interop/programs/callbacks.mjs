// What @openid4vc asks of its host: hashes, random numbers and signatures.

import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'

/** A new key as `signer` for @openid4vc, and the callbacks that sign with it. */
export async function signing(clientAuthentication) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const publicJwk = await exportJWK(publicKey)
  const callbacks = {
    clientAuthentication,
    fetch,
    generateRandom: (bytes) => randomBytes(bytes),
    hash: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
    async signJwt(_signer, { header, payload }) {
      const jwt = await new SignJWT(payload).setProtectedHeader(header).sign(privateKey)
      return { jwt, signerJwk: publicJwk }
    },
    async verifyJwt(signer, { compact }) {
      try {
        await jwtVerify(compact, await importJWK(signer.publicJwk, signer.alg))
        return { verified: true, signerJwk: signer.publicJwk }
      } catch {
        return { verified: false }
      }
    },
  }
  return { callbacks, signer: { method: 'jwk', alg: 'ES256', publicJwk } }
}
