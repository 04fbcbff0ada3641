"""How each engine answers: modules of the same functions, which know how the engines differ."""
