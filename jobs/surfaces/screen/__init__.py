"""What the screen of a run shows besides the totals: its largest slices, and what to type next."""
