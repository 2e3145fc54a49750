"""A small Google Cloud on this machine: the wire, the habits and the clock of the real one, for Cloud Run egress."""
