"""The built-in rule pack: a module per topic, and the frameworks whose controls the rules name."""

from akscan_rules.controls import frameworks

__all__ = ["frameworks"]
