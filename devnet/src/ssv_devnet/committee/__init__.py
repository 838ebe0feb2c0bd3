"""A committee in one process: operators that pass signed messages through an in-memory network.

With a real beacon node it is the demo, with a fake clock and a bad network it is the simulator.
"""
