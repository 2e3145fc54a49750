"""A small Google Cloud on this machine: the wire, the habits and the clock of the real one, for what Cloud Run egress needs."""
