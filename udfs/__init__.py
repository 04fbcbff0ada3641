"""What runs in the workers: numerics on NumPy and Arrow. Nothing here imports `jobs`."""
