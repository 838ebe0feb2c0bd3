"""The SSV protocol as values, pure functions and state machines.

Nothing in this package performs I/O, reads a clock, starts a thread, uses asyncio or logs. Time is an
argument, randomness is an argument, and what a state machine wants done it returns as effects.
"""
