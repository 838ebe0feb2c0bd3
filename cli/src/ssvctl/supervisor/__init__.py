"""Runs the processes of a plan: starts, watches, restarts and drains them.

A library for `ssvctl up` and for the devnet: a plan is a value (`plan`), running it is one context manager (`runner`).
"""
