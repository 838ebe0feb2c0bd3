"""Checks, records and signs, in that order; the only holder of the operator key and the shares."""
