"""What developers of akscan run: generated documentation, new rules."""
