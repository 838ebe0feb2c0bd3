"""Node Discovery v5.1: records, packets, sessions, table and lookups; asyncio UDP only at the edge."""
