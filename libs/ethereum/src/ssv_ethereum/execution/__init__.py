"""Execution nodes: one over JSON-RPC, several as one."""
