"""What a credential is: one contract, one package for each format.

A format turns what an issuer sent into a `VerifiedCredential`, or raises `VerificationFailed` with
the report of its checks. Adding a format is a package and a line in `formats`.
"""
