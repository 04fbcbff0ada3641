"""What a configuration may hold and where it may point: no secret, and no path beyond the roots."""
