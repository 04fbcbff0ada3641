"""Proofs that the tables of a day are right, each independent of the run that wrote them; and a run made once more."""
