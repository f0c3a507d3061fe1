"""`symbackprop schema`: the JSON schema of the problem file."""

from __future__ import annotations

import json

import click

from symbackprop.cli.outputs import print_text


@click.command()
def command() -> None:
    """Print the JSON schema of the problem file."""
    from symbackprop.problems import json_schema

    print_text(json.dumps(json_schema.schema(), ensure_ascii=False, indent=2) + "\n")
