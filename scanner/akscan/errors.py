"""Errors that a user can act on."""

from __future__ import annotations


class AkscanError(Exception):
    """Ends the command with exit code 2; ``hint`` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
