"""The proofs, one function each: from what the tables hold of a day at an age to statements that hold or do not."""
