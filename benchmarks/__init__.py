"""What Wayout costs, as ratios to something measured in the same run. All of it: `python -m benchmarks.table`."""
