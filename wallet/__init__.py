"""A holder wallet for OpenID for Verifiable Credential Issuance 1.0."""
