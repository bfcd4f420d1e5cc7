"""Whom the station trusts and how others can trust it: pinned keys, signed heads, PINs, the TPM."""
