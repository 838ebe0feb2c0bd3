"""Cryptography of the protocol: BLS12-381, operator RSA, key shares, signing roots."""
