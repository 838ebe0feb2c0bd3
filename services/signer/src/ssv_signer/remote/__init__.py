"""The ethereum remote-signing HTTP API, for plain keys of this signer: those that no committee of it holds."""
