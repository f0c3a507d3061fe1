"""`symbackprop merge`: the shards of a large class as one folder."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import lang_option, quiet_option
from symbackprop.cli.outputs import print_text, progress, remark, say


@click.command()
@click.argument("folders", metavar="DIR…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Folder to write into."
)
@lang_option
@quiet_option
def command(folders: tuple[Path, ...], output: Path, lang: str, quiet: bool) -> None:
    """Join the folders that shards wrote into that of one run.

    They are those of `homework --shard` or `grade --shard`, in any order.
    """
    from symbackprop.homework import merging

    found = merging.joinable(folders)
    with progress("cli.merging", found.size, quiet) as advance:
        for count in found.joined(output):
            advance(count)
    for where, what in found.remarks:
        remark(f"{where}: {say(what.id, **what.arguments)}")
    if not quiet:
        print_text("".join(f"{path}\n" for path in found.results(output)))
        print_text(say("cli.digest", digest=found.digest(output)) + "\n")
