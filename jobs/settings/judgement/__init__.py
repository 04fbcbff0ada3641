"""What is asked of the judgement of a night: gates, and who is told."""
