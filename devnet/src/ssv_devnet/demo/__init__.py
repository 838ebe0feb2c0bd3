"""`make demo`: four operators attest on a real beacon chain, measured by somebody else."""
