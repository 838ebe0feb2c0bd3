"""Mutation check of what may be signed and what justifies a proposal; run by `make mutants`."""
