"""The pass over the examples: batches in, partial sums out."""
