"""Bytes of strangers against every decoder that faces the network: only the decoder's own refusal may come out."""
