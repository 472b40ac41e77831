"""SD-JWT-based Verifiable Credentials: format `dc+sd-jwt` (OpenID4VCI 1.0, Appendix A.3)."""
