"""OpenID for Verifiable Credential Issuance 1.0: one file per section, pure."""
