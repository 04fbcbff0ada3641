"""What the columns of a log may be for: each role is guessed by names first, then by values."""
