"""SQL at the command line: questions over an evaluation, and its views for others."""
