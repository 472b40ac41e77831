"""Reference Credential Issuer: OpenID4VCI 1.0, SD-JWT VC, its own certificate authority."""
