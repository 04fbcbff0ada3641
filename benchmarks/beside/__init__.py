"""What a person would use instead, each in a room: the same slices, shards and sums as far as it can have them."""
