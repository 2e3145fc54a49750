"""Google's discovery documents, pruned, and what is checked against them."""
