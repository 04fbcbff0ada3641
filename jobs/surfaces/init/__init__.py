"""The command `lossledger init`: a configuration from a look at somebody's logs, with what was guessed marked."""
