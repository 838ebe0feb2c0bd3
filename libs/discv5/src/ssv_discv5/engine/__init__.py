"""The protocol's state machine: packets and the clock in, packets and events out. No socket, no asyncio."""
