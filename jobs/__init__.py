"""What runs on the driver: the entry points and the Spark plumbing between them."""
