"""The language: what may be asked, how each engine spells it, and what is said of mistakes in it."""
