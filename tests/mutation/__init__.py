"""Credentials that were damaged on purpose: each is refused with its code, and nothing else."""
