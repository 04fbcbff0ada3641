"""What an evaluation costs, beside the join that it needs and beside what a person would use instead."""
