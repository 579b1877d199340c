"""The built-in rule pack: a module per topic."""
