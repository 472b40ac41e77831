// The authorization server oidc-provider, in front of a credential issuer that is not its own.

import Provider from 'oidc-provider'
import { configuration, dPoP, richAuthorizationRequests } from './oidc_provider_common.mjs'
import { serve, settings } from './serving.mjs'

const scope = 'pid diploma'

const provider = new Provider(settings.url, {
  ...configuration,
  scopes: scope.split(' '),
  features: {
    dPoP,
    introspection: { enabled: true, allowedPolicy: () => true },
    pushedAuthorizationRequests: {
      enabled: settings.par,
      requirePushedAuthorizationRequests: settings.par,
    },
    resourceIndicators: {
      defaultResource: () => settings.issuer,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: settings.issuer,
        accessTokenFormat: settings.tokens,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
    richAuthorizationRequests: { enabled: settings.details, ...richAuthorizationRequests },
  },
})
serve(provider.callback())
