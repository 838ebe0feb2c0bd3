"""Ethereum node records (EIP-778)."""
