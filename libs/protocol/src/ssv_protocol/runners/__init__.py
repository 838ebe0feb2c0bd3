"""Duty runners: one file per duty, each a deterministic state machine of events and effects."""
