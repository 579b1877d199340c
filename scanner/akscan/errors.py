"""Errors that a user can act on."""

from __future__ import annotations

#: Findings at or above ``--fail-on``.
EXIT_FINDINGS = 1
#: The command failed, was called wrongly, or covered too little.
EXIT_FAILED = 2


class AkscanError(Exception):
    """Ends the command with exit code 2; ``hint`` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
