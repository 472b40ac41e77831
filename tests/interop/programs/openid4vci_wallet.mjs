// @openid4vc/openid4vci as wallet: gets the credential of one offer and prints it, verified.
//
// It prints `authorize URL`, and reads on standard input where the browser was led to.

import { createHash, verify, X509Certificate } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { clientAuthenticationNone } from '@openid4vc/oauth2'
import {
  extractScopesForCredentialConfigurationIds,
  Openid4vciClient,
  setGlobalConfig,
} from '@openid4vc/openid4vci'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { signing } from './callbacks.mjs'

const settings = JSON.parse(process.argv[2])
const clientId = 'oid4vci-wallet'
const redirectUri = 'http://127.0.0.1:1234/callback'

setGlobalConfig({ allowInsecureUrls: true }) // http on this machine
const { callbacks, signer } = await signing(clientAuthenticationNone({ clientId }))
const client = new Openid4vciClient({ callbacks })

const credentialOffer = await client.resolveCredentialOffer(settings.offer)
const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
const [credentialConfigurationId] = credentialOffer.credential_configuration_ids
const offered = { credentialOffer, issuerMetadata }

const { authorizationRequestUrl, pkce } = await client.initiateAuthorization({
  ...offered,
  clientId,
  redirectUri,
  scope: extractScopesForCredentialConfigurationIds({
    issuerMetadata,
    credentialConfigurationIds: [credentialConfigurationId],
  }).join(' '),
})
console.log(`authorize ${authorizationRequestUrl}`)
const browser = createInterface({ input: process.stdin })
const { code } = client.parseAndVerifyAuthorizationResponseRedirectUrl({
  url: await browser.question(''),
  authorizationServerMetadata: issuerMetadata.authorizationServers[0],
})
browser.close()

const { accessTokenResponse } = await client.retrieveAuthorizationCodeAccessTokenFromOffer({
  ...offered,
  authorizationCode: code,
  pkceCodeVerifier: pkce.codeVerifier,
  redirectUri,
})
const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
const { jwt } = await client.createCredentialRequestJwtProof({
  issuerMetadata,
  credentialConfigurationId,
  clientId,
  nonce,
  signer,
})
const { credentialResponse } = await client.retrieveCredentials({
  issuerMetadata,
  credentialConfigurationId,
  accessToken: accessTokenResponse.access_token,
  proofs: { jwt: [jwt] },
})
const [{ credential }] = credentialResponse.credentials

const [certificate] = JSON.parse(Buffer.from(credential.split('.')[0], 'base64url')).x5c
const { publicKey: key } = new X509Certificate(Buffer.from(certificate, 'base64'))
const { payload } = await new SDJwtVcInstance({
  hasher: (data) => createHash('sha256').update(data).digest(),
  verifier: (data, signature) =>
    verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')),
}).verify(credential)
console.log(JSON.stringify({ claims: payload, holder: signer.publicJwk, version: issuerMetadata.originalDraftVersion }))
