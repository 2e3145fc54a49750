"""A Google provider for the real `terraform`, with the real one's schema and no cloud behind it."""
