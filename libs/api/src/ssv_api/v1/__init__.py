"""Code generated from proto/ssv/v1 by `make proto`; never edited."""
