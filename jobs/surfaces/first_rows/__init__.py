"""The first rows of the sources, and whether they look like what the configuration says of them."""
