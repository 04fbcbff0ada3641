"""Labels of logs that take more than a look at their windows: events by their own ids, through clicks, as numbers."""
