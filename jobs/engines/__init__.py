"""Apache Spark and Sail: their versions and settings, Java and jars, sessions, and how they fail."""
