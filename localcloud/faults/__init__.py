"""Faults on demand: those that calls meet, and those that log entries meet on their way."""
