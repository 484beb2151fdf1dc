"""`taas`: the commands. Each is a few lines over what the rest of the package does."""

from app.cli.commands import main

__all__ = ["main"]
