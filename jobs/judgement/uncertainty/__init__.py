"""Standard errors and intervals: by leaving a shard of units out, over rows, of differences, over many nights."""
