"""Files that an engine cannot read as they are, read by the workers."""
