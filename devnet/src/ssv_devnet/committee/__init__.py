"""A committee in one process: operators that pass signed messages through an in-memory network.

With a fake clock and a bad network it is the simulator, under a stopwatch it is the benchmark of a committee.
"""
