"""Chaos on purpose: the process ends at every call, every call meets every fault, and events come as they please."""
