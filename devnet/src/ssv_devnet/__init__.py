"""A whole SSV network on one machine: real beacon node, real EVM, N operators."""
