"""The pure room: no I/O, no clock, no environment, no logging, no Google imports."""
