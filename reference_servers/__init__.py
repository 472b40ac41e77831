"""Reference Credential Issuer and Authorization Server for OpenID4VCI 1.0."""
