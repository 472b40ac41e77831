"""W3C credentials with Data Integrity proofs: format `ldp_vc` (OpenID4VCI 1.0, Appendix A.1.3)."""
