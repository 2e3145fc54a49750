"""The wires: REST with its addresses and batches, and gRPC."""
