"""W3C credentials as JWTs: `jwt_vc_json` and `jwt_vc_json-ld` (OpenID4VCI 1.0, A.1.1 and A.1.2)."""
