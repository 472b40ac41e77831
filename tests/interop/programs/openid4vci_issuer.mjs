// @openid4vc/openid4vci as credential issuer, and its own authorization server.
//
// It signs nobody in: who opens the authorization endpoint has agreed.

import { randomBytes } from 'node:crypto'
import {
  Oauth2AuthorizationServer,
  Oauth2ResourceServer,
  Oauth2ResourceUnauthorizedError,
  Oauth2ServerErrorResponseError,
  preAuthorizedCodeGrantIdentifier,
} from '@openid4vc/oauth2'
import { Openid4vciIssuer } from '@openid4vc/openid4vci'
import { callbacks, newSigner } from './callbacks.mjs'
import { card, configurations, display } from './card.mjs'
import { serve, settings } from './serving.mjs'

const { url } = settings
const signer = await newSigner()
const issuer = new Openid4vciIssuer({ callbacks })
const authorizationServer = new Oauth2AuthorizationServer({ callbacks })
const resourceServer = new Oauth2ResourceServer({ callbacks })
const random = () => randomBytes(16).toString('base64url')

const credentialIssuer = issuer.createCredentialIssuerMetadata({
  credential_issuer: url,
  credential_endpoint: `${url}/credential`,
  deferred_credential_endpoint: `${url}/deferred`,
  nonce_endpoint: `${url}/nonce`,
  notification_endpoint: `${url}/notification`,
  batch_credential_issuance: { batch_size: 4 },
  display,
  credential_configurations_supported: configurations,
})
const authorizationServerMetadata = authorizationServer.createAuthorizationServerMetadata({
  issuer: url,
  authorization_endpoint: `${url}/authorize`,
  token_endpoint: `${url}/token`,
  jwks_uri: `${url}/jwks`,
  pushed_authorization_request_endpoint: settings.par ? `${url}/par` : undefined,
  require_pushed_authorization_requests: settings.par,
  authorization_details_types_supported: settings.details ? ['openid_credential'] : undefined,
  authorization_response_iss_parameter_supported: true,
  code_challenge_methods_supported: ['S256'],
  dpop_signing_alg_values_supported: settings.dpop ? ['ES256'] : undefined,
  grant_types_supported: ['authorization_code', preAuthorizedCodeGrantIdentifier],
  token_endpoint_auth_methods_supported: ['none'],
})
const issuerMetadata = {
  credentialIssuer,
  authorizationServers: [authorizationServerMetadata],
  knownCredentialConfigurations: issuer.getKnownCredentialConfigurationsSupported(credentialIssuer),
}

const pushed = new Map() // authorization requests, by request_uri
const codes = new Map() // authorization requests, by authorization code
const preAuthorized = new Map() // transaction codes, by pre-authorized code
const nonces = new Set()
const transactions = new Map() // how often was asked, and the credentials, by transaction_id
const notifications = []

const form = (text) => Object.fromEntries(new URLSearchParams(text))
const json = (body, status = 200) => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json',
})

const routes = {
  'GET /.well-known/openid-credential-issuer': () => json(credentialIssuer),
  'GET /.well-known/oauth-authorization-server': () => json(authorizationServerMetadata),
  'GET /jwks': () => json({ keys: [signer.publicJwk] }),
  'GET /notifications': () => json(notifications),

  async 'GET /offer'(request) {
    const { grant, tx_code: txCode } = form(new URL(request.url).search)
    const code = random()
    if (grant === 'pre-authorized_code') preAuthorized.set(code, txCode)
    const { credentialOffer } = await issuer.createCredentialOffer({
      credentialConfigurationIds: ['card'],
      grants: preAuthorized.has(code)
        ? {
            [preAuthorizedCodeGrantIdentifier]: {
              'pre-authorized_code': code,
              tx_code: txCode && { length: txCode.length, description: 'It is in the letter.' },
            },
          }
        : { authorization_code: { issuer_state: random() } },
      issuerMetadata,
    })
    return { status: 200, body: credentialOffer, type: 'text/plain' }
  },

  async 'POST /par'(request) {
    const { authorizationRequest, dpop } =
      await authorizationServer.parsePushedAuthorizationRequest({
        authorizationRequest: form(request.body),
        request,
      })
    await authorizationServer.verifyPushedAuthorizationRequest({
      authorizationRequest,
      authorizationServerMetadata,
      dpop: { required: settings.dpop, ...dpop },
      request,
    })
    const requestUri = `urn:ietf:params:oauth:request_uri:${random()}`
    pushed.set(requestUri, authorizationRequest)
    const answer = authorizationServer.createPushedAuthorizationResponse({
      requestUri,
      expiresInSeconds: 60,
    })
    return json(answer.pushedAuthorizationResponse, 201)
  },

  'GET /authorize'(request) {
    const parameters = form(new URL(request.url).search)
    const asked = settings.par ? pushed.get(parameters.request_uri) : parameters
    pushed.delete(parameters.request_uri)
    const code = random()
    codes.set(code, asked)
    const redirect = new URL(asked.redirect_uri)
    redirect.search = new URLSearchParams({ code, state: asked.state, iss: url })
    return { status: 302, location: redirect.href }
  },

  async 'POST /token'(request) {
    const parsed = authorizationServer.parseAccessTokenRequest({
      accessTokenRequest: form(request.body),
      request,
    })
    const common = {
      authorizationServerMetadata,
      request,
      accessTokenRequest: parsed.accessTokenRequest,
      grant: parsed.grant,
      dpop: { required: settings.dpop, ...parsed.dpop },
    }
    const code = parsed.grant.code ?? parsed.grant.preAuthorizedCode
    const asked = codes.get(code) ?? { scope: 'card' }
    const { dpop } = parsed.grant.preAuthorizedCode
      ? await authorizationServer.verifyPreAuthorizedCodeAccessTokenRequest({
          ...common,
          expectedPreAuthorizedCode: preAuthorized.has(code) && code,
          expectedTxCode: preAuthorized.get(code),
        })
      : await authorizationServer.verifyAuthorizationCodeAccessTokenRequest({
          ...common,
          expectedCode: codes.has(code) && code,
          pkce: {
            codeVerifier: parsed.pkceCodeVerifier,
            codeChallenge: asked.code_challenge,
            codeChallengeMethod: asked.code_challenge_method,
          },
        })
    codes.delete(code)
    preAuthorized.delete(code)
    const details = JSON.parse(asked.authorization_details ?? '[]').map((detail) => ({
      ...detail,
      credential_identifiers: [`${detail.credential_configuration_id}-of-zita`],
    }))
    const authorization = details.length ? { authorization_details: details } : {}
    const answer = await authorizationServer.createAccessTokenResponse({
      authorizationServer: url,
      audience: url,
      signer,
      subject: 'zita',
      scope: asked.scope,
      clientId: asked.client_id ?? parsed.accessTokenRequest.client_id,
      dpop,
      expiresInSeconds: 300,
      additionalAccessTokenPayload: authorization,
      additionalAccessTokenResponsePayload: authorization,
    })
    return json(answer)
  },

  'POST /nonce'() {
    const cNonce = random()
    nonces.add(cNonce)
    return json(issuer.createNonceResponse({ cNonce }))
  },

  async 'POST /credential'(request) {
    const { tokenPayload } = await authorized(request)
    const credentialRequest = JSON.parse(request.body)
    const parsed = issuer.parseCredentialRequest({ issuerMetadata, credentialRequest })
    const [detail] = tokenPayload.authorization_details ?? []
    refuseUnless(
      parsed.credentialIdentifier
        ? detail?.credential_identifiers[0] === parsed.credentialIdentifier
        : tokenPayload.scope === parsed.credentialConfigurationId,
      'invalid_credential_request'
    )
    const credentials = await cards(parsed.proofs.jwt, tokenPayload.client_id)
    if (settings.deferred) {
      const transactionId = random()
      transactions.set(transactionId, { times: 0, credentials })
      return json(
        issuer.createCredentialResponse({
          credentialRequest: parsed,
          transactionId,
          interval: 1,
        }),
        202
      )
    }
    return json(
      issuer.createCredentialResponse({
        credentialRequest: parsed,
        credentials,
        notificationId: random(),
      })
    )
  },

  async 'POST /deferred'(request) {
    await authorized(request)
    const { deferredCredentialRequest } = issuer.parseDeferredCredentialRequest({
      deferredCredentialRequest: JSON.parse(request.body),
    })
    const transactionId = deferredCredentialRequest.transaction_id
    const transaction = transactions.get(transactionId)
    refuseUnless(transaction, 'invalid_transaction_id')
    if (transaction.times++ === 0)
      return json(issuer.createDeferredCredentialResponse({ transactionId, interval: 1 }), 202)
    transactions.delete(transactionId)
    return json(
      issuer.createDeferredCredentialResponse({ credentials: transaction.credentials })
    )
  },

  async 'POST /notification'(request) {
    await authorized(request)
    notifications.push(JSON.parse(request.body))
    return { status: 204 }
  },
}

const authorized = (request) =>
  resourceServer.verifyResourceRequest({
    authorizationServers: [authorizationServerMetadata],
    request,
    resourceServer: url,
  })

/** A card for each key proof; they share one nonce. */
function cards(proofs, clientId) {
  const nonceOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url')).nonce
  const expectedNonce = nonceOf(proofs[0])
  refuseUnless(nonces.delete(expectedNonce), 'invalid_nonce')
  return Promise.all(
    proofs.map(async (jwt) => {
      const proof = await issuer.verifyCredentialRequestJwtProof({
        issuerMetadata,
        jwt,
        expectedNonce,
        clientId,
      })
      return { credential: await card(proof.signer.publicJwk) }
    })
  )
}

function refuseUnless(right, error) {
  if (!right) throw new Oauth2ServerErrorResponseError({ error })
}

function refusal(error) {
  if (error instanceof Oauth2ServerErrorResponseError)
    return json(error.errorResponse, error.status ?? 400)
  if (error instanceof Oauth2ResourceUnauthorizedError)
    return { status: 401, authenticate: error.toHeaderValue() }
  console.error(error)
  return { status: 500 }
}

serve(async (incoming, outgoing) => {
  const chunks = await incoming.toArray()
  const request = {
    method: incoming.method,
    url: url + incoming.url,
    headers: new Headers(incoming.headers),
    body: Buffer.concat(chunks).toString(),
  }
  const route = routes[`${incoming.method} ${new URL(request.url).pathname}`]
  const answer = route ? await Promise.resolve(request).then(route).catch(refusal) : { status: 404 }
  const headers = {
    'Content-Type': answer.type,
    Location: answer.location,
    'WWW-Authenticate': answer.authenticate,
  }
  for (const [name, value] of Object.entries(headers)) if (value) outgoing.setHeader(name, value)
  outgoing.writeHead(answer.status).end(answer.body)
})
