// How oidc-provider is set up in both of its roles.
//
// People sign in on the pages it comes with, with their subject as login and any password.

import { exportJWK, generateKeyPair } from 'jose'
import { settings } from './serving.mjs'

const { privateKey } = await generateKeyPair('ES256', { extractable: true })

export const configuration = {
  clients: [
    {
      client_id: 'oid4vci-wallet',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: settings.client_jwk ? 'private_key_jwt' : 'none',
      token_endpoint_auth_signing_alg: settings.client_jwk && 'ES256',
      jwks: settings.client_jwk && { keys: [settings.client_jwk] },
      authorization_details_types: ['openid_credential'],
      dpop_bound_access_tokens: settings.dpop,
    },
    {
      client_id: 'credential-issuer',
      client_secret: 'secret-of-the-issuer',
      grant_types: [],
      redirect_uris: [],
      response_types: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  cookies: { keys: ['a-key-for-cookies'] },
  extraParams: ['issuer_state'],
  issueRefreshToken: () => true,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
}

/** Nonces of the server in every DPoP proof. */
export const dPoP = { nonceSecret: Buffer.alloc(32, 2), requireNonce: () => true }

/** Rich authorization requests for credentials: what was agreed to gets an identifier each. */
export const richAuthorizationRequests = {
  types: { openid_credential: { validate() {} } },
  authorizationDetailsForGrantSource: (ctx, { rar }) => rar ?? ctx.oidc.grant.rar,
  authorizationDetailsForAccessToken: (_ctx, _token, { rar }) =>
    rar?.map((detail) => ({
      ...detail,
      credential_identifiers: [`${detail.credential_configuration_id}-1`],
    })),
  authorizationDetailsForIntrospection: (_ctx, { rar }) => rar,
}
