"""A plan is proven before its first write: foresight plays it to its end, and each of its steps is checked."""
