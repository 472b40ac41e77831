// @openid4vc/openid4vci as wallet: gets the credentials of one offer and prints them, verified.
//
// For a sign-in it prints `authorize URL`, and reads where the browser was led to.

import { verify } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { setTimeout } from 'node:timers/promises'
import {
  clientAuthenticationClientAttestationJwt,
  clientAuthenticationNone,
} from '@openid4vc/oauth2'
import {
  extractScopesForCredentialConfigurationIds,
  Openid4vciClient,
  Openid4vciWalletProvider,
  setGlobalConfig,
} from '@openid4vc/openid4vci'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { callbacks, certifiedSigner, newSigner } from './callbacks.mjs'
import { certified } from './keys.mjs'

const settings = JSON.parse(process.argv[2])
const clientId = 'oid4vci-wallet'
const redirectUri = 'http://127.0.0.1:1234/callback'
const preAuthorizedCode = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'

setGlobalConfig({ allowInsecureUrls: true }) // http on this machine
const client = new Openid4vciClient({
  callbacks: {
    ...callbacks,
    clientAuthentication: settings.provider
      ? await attested(settings.provider)
      : clientAuthenticationNone({ clientId }),
    fetch: (url, init) =>
      settings.signed && String(url).includes('/.well-known/openid-credential-issuer')
        ? fetch(url, { ...init, headers: { accept: 'application/jwt' } })
        : fetch(url, init),
  },
})

const credentialOffer = await client.resolveCredentialOffer(settings.offer)
const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
const [credentialConfigurationId] = credentialOffer.credential_configuration_ids
const offered = { credentialOffer, issuerMetadata }
let dpop = settings.dpop && { signer: await newSigner() }

const { access_token: accessToken } = credentialOffer.grants[preAuthorizedCode]
  ? await redeemed()
  : await signedIn()

/** Client authentication by an attestation of the wallet provider whose key is in this file. */
async function attested(provider) {
  const clientAttestationJwt = await new Openid4vciWalletProvider({
    callbacks,
  }).createWalletAttestationJwt({
    clientId,
    confirmation: { jwk: (await newSigner()).publicJwk },
    expiresAt: new Date(Date.now() + 3600_000),
    issuer: 'https://wallet-provider.example',
    signer: certifiedSigner(provider),
  })
  return async (request) => {
    const { challenge_endpoint: endpoint } = request.authorizationServerMetadata
    const { attestation_challenge: challenge } = await (
      await fetch(endpoint, { method: 'POST' })
    ).json()
    // The challenge is newer than this version of the library, which has no place for it.
    const signJwt = (signer, { header, payload }) =>
      callbacks.signJwt(signer, { header, payload: { ...payload, challenge } })
    const authenticate = clientAuthenticationClientAttestationJwt({
      callbacks: { ...callbacks, signJwt },
      clientAttestationJwt,
    })
    return authenticate(request)
  }
}

/** The access token of a pre-authorized code. */
async function redeemed() {
  const answer = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    ...offered,
    dpop,
    txCode: settings.tx_code || undefined,
  })
  dpop = answer.dpop
  return answer.accessTokenResponse
}

/** What to ask for: by details, or by scope. */
function asking() {
  if (settings.details) {
    const detail = {
      type: 'openid_credential',
      credential_configuration_id: credentialConfigurationId,
      locations: [credentialOffer.credential_issuer],
    }
    return { additionalRequestPayload: { authorization_details: JSON.stringify([detail]) } }
  }
  const scopes = extractScopesForCredentialConfigurationIds({
    issuerMetadata,
    credentialConfigurationIds: [credentialConfigurationId],
  })
  return { scope: scopes.join(' ') }
}

/** The access token of somebody who signed in. */
async function signedIn() {
  const request = await client.initiateAuthorization({
    ...offered,
    clientId,
    dpop,
    redirectUri,
    ...asking(),
  })
  console.log(`authorize ${request.authorizationRequestUrl}`)
  const browser = createInterface({ input: process.stdin })
  const { code } = client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url: await browser.question(''),
    authorizationServerMetadata: issuerMetadata.authorizationServers[0],
  })
  browser.close()
  const answer = await client.retrieveAuthorizationCodeAccessTokenFromOffer({
    ...offered,
    authorizationCode: code,
    dpop: request.dpop,
    pkceCodeVerifier: request.pkce.codeVerifier,
    redirectUri,
  })
  dpop = answer.dpop
  return answer.accessTokenResponse
}

const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
const signers = await Promise.all(Array.from({ length: settings.copies ?? 1 }, newSigner))
const proofs = await Promise.all(
  signers.map((signer) =>
    client.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId,
      clientId,
      nonce,
      signer,
    })
  )
)
let { credentialResponse: answer } = await client
  .retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId,
    accessToken,
    dpop,
    proofs: { jwt: proofs.map(({ jwt }) => jwt) },
  })
  .catch(({ response }) => {
    console.log(JSON.stringify({ refused: response.credentialErrorResponseResult.data }))
    process.exit()
  })
const deferred = answer.transaction_id
while (answer.transaction_id) {
  await setTimeout(answer.interval * 1000)
  const later = await client.retrieveDeferredCredentials({
    issuerMetadata,
    accessToken,
    dpop,
    transactionId: answer.transaction_id,
  })
  answer = later.deferredCredentialResponse
}

/** The claims of an SD-JWT VC, by the key of its certificate. */
async function verified({ credential }) {
  const { x5c } = JSON.parse(Buffer.from(credential.split('.')[0], 'base64url'))
  const key = { key: certified(x5c), dsaEncoding: 'ieee-p1363' }
  const instance = new SDJwtVcInstance({
    hasher: callbacks.hash,
    verifier: (data, signature) =>
      verify('sha256', data, key, Buffer.from(signature, 'base64url')),
  })
  return (await instance.verify(credential)).payload
}

const claims = await Promise.all(answer.credentials.map(verified))
if (answer.notification_id) {
  await client.sendNotification({
    issuerMetadata,
    accessToken,
    dpop,
    notification: { notificationId: answer.notification_id, event: 'credential_accepted' },
  })
}
console.log(
  JSON.stringify({
    claims,
    keys: signers.map(({ publicJwk }) => publicJwk),
    version: issuerMetadata.originalDraftVersion,
    signed: Boolean(issuerMetadata.signedCredentialIssuer),
    deferred: Boolean(deferred),
    notified: Boolean(answer.notification_id),
  })
)
