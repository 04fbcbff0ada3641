"""A few cells once more from the rows of the logs: read by Arrow, joined in Python, summed with 50 digits by mpmath.

Nothing here is shared with the night but the configuration: neither its engines nor its kernels nor its sums.
"""
