// oidc-provider as credential issuer, and its own authorization server.

import { decodeProtectedHeader } from 'jose'
import Provider from 'oidc-provider'
import { card, configurations, display } from './card.mjs'
import { configuration, richAuthorizationRequests } from './oidc_provider_common.mjs'
import { serve, settings } from './serving.mjs'

const provider = new Provider(settings.url, {
  ...configuration,
  scopes: ['card'],
  features: {
    openid4vci: {
      enabled: true,
      ack: 'experimental-01',
      credentialConfigurationsSupported: configurations,
      credentialEndpointExpectedAudience: () => settings.url,
      metadata: { display },
      nonceSecret: Buffer.alloc(32, 1),
      issueCredential: async (_ctx, { proofs }) => ({
        credentials: await Promise.all(
          proofs.jwt.map(async (proof) => ({
            credential: await card(decodeProtectedHeader(proof).jwk),
          }))
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

const offer = new URLSearchParams({
  credential_offer: JSON.stringify({
    credential_issuer: settings.url,
    credential_configuration_ids: ['card'],
    grants: { authorization_code: { issuer_state: 'from-the-offer' } },
  }),
})
const others = provider.callback()
serve((request, response) =>
  request.url === '/offer'
    ? response.end(`openid-credential-offer://?${offer}`)
    : others(request, response)
)
