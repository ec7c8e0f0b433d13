"""A password for an account, from whoever runs the command."""

import secrets
import sys

import typer

from api.accounts.passwords import MAX_CHARACTERS, MIN_CHARACTERS

# 144 bits
GENERATED_BYTES = 18


class UnfitPassword(Exception):
    """A password that is not taken, or none at all."""


def new_password(name: str, *, generate: bool, from_stdin: bool) -> str:
    """A password that is generated, read from standard input, or asked for twice on a terminal.

    Raises:
        UnfitPassword: it is too short, too long, the name itself, or there is nobody to ask.
    """
    if generate and from_stdin:
        raise UnfitPassword("--generate and --password-stdin exclude one another")
    if generate:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if from_stdin:
        password = sys.stdin.readline(MAX_CHARACTERS + 2).removesuffix("\n")
    elif sys.stdin.isatty():
        password = typer.prompt("password", hide_input=True, confirmation_prompt="once more", err=True)
    else:
        raise UnfitPassword("there is no terminal to ask for a password on: give --generate or --password-stdin")
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise UnfitPassword(f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters, this one {len(password)}")
    if password.casefold() == name.casefold():
        raise UnfitPassword("a password that is the name is the first to be guessed")
    return str(password)
