"""The built-in commands: they parse, call and print."""
