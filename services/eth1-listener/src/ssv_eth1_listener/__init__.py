"""Contract events become the registry; key shares reach the signer."""
