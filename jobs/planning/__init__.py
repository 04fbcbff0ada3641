"""Whether a day is due and whole: its age, what has arrived, what its sources say of themselves."""
