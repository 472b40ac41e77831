// oidc-provider as credential issuer, and its own authorization server.

import { decodeProtectedHeader } from 'jose'
import Provider from 'oidc-provider'
import { card, configurations, display } from './card.mjs'
import { certified, readChain } from './keys.mjs'
import { configuration, dPoP, richAuthorizationRequests } from './oidc_provider_common.mjs'
import { serve, settings } from './serving.mjs'

const { clients, ...others } = configuration
const preAuthorizedCode = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'
const wallet = {
  ...clients[0],
  grant_types: [...clients[0].grant_types, preAuthorizedCode],
  ...(settings.authentication && { token_endpoint_auth_method: settings.authentication }),
}

/** The key of the one wallet provider that is known here. */
function attester({ x5c }) {
  if (x5c[0] !== readChain(settings.provider).x5c[0]) throw new Error('an unknown attester')
  return certified(x5c)
}

/** The keys that are attested, or else those that signed a proof each. */
function proven({ attestation, key_attestation: attested = attestation, jwt }) {
  return attested?.attestedKeys ?? jwt.map((proof) => decodeProtectedHeader(proof).jwk)
}

const provider = new Provider(settings.url, {
  ...others,
  clientAuthMethods: [wallet.token_endpoint_auth_method],
  clients: [wallet],
  scopes: ['card'],
  features: {
    attestClientAuth: {
      enabled: Boolean(settings.authentication),
      ack: 'draft-12',
      challengeSecret: Buffer.alloc(32, 3),
      getAttestationSignaturePublicKey: (_ctx, header) => attester(header),
    },
    dPoP,
    openid4vci: {
      enabled: true,
      ack: 'experimental-01',
      credentialConfigurationsSupported: {
        card: { ...configurations.card, ...settings.configuration },
      },
      credentialEndpointExpectedAudience: () => settings.url,
      getKeyAttestationSignaturePublicKey: (_ctx, _iss, header) => attester(header),
      metadata: { batch_credential_issuance: { batch_size: 4 }, display },
      nonceSecret: Buffer.alloc(32, 1),
      preAuthorizedCodeGrant: true,
      issueCredential: async (_ctx, { proofs }) => ({
        credentials: await Promise.all(
          proven(proofs).map(async (jwk) => ({ credential: await card(jwk) }))
        ),
      }),
    },
    pushedAuthorizationRequests: {
      enabled: settings.par,
      requirePushedAuthorizationRequests: settings.par,
    },
    resourceIndicators: {
      defaultResource: () => settings.url,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'card' }),
    },
    richAuthorizationRequests: { enabled: settings.details, ...richAuthorizationRequests },
  },
})

/** The grants of an offer: a code for who has signed in elsewhere, or nothing to sign in with. */
async function grants({ grant, tx_code: txCode }) {
  if (grant !== 'pre-authorized_code')
    return { authorization_code: { issuer_state: 'in-the-offer' } }
  const whose = { accountId: 'somebody', clientId: wallet.client_id }
  const granted = new provider.Grant(whose)
  granted.addResourceScope(settings.url, 'card')
  const code = new provider.PreAuthorizedCode({
    ...whose,
    grantId: await granted.save(),
    resource: settings.url,
    scope: 'card',
    txCode,
  })
  const tx_code = txCode && { length: txCode.length, description: 'It is in the letter.' }
  return { [preAuthorizedCode]: { 'pre-authorized_code': await code.save(), tx_code } }
}

async function offer(query, response) {
  const document = {
    credential_issuer: settings.url,
    credential_configuration_ids: ['card'],
    grants: await grants(Object.fromEntries(query)),
  }
  const link = new URLSearchParams({ credential_offer: JSON.stringify(document) })
  response.end(`openid-credential-offer://?${link}`)
}

const pages = provider.callback()
serve((request, response) => {
  const { pathname, searchParams } = new URL(request.url, settings.url)
  return pathname === '/offer' ? offer(searchParams, response) : pages(request, response)
})
