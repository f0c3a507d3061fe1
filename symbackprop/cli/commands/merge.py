"""`symbackprop merge`: the shards of a large class as one folder."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import lang_option, quiet_option
from symbackprop.cli.outputs import print_text, progress, remark, say


@click.command()
@click.argument("folders", metavar="DIR…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR|FILE", required=True, type=click.Path(path_type=Path), help="Where to write to."
)
@lang_option
@quiet_option
def command(folders: tuple[Path, ...], output: Path, lang: str, quiet: bool) -> None:
    """Join the folders that shards wrote into that of one run.

    They are those of `homework --shard`, `grade --shard` or `export --shard`, in any order.
    """
    from symbackprop.exporting import export_shards
    from symbackprop.homework import merging

    is_export = any(map(export_shards.is_shard, folders))
    found = export_shards.fitted(folders) if is_export else merging.joinable(folders)
    with progress("cli.merging", found.size, quiet) as advance:
        for count in found.joined(output):
            advance(count)
    for where, what in found.remarks:
        remark(f"{where}: {say(what.id, **what.arguments)}")
    if not quiet:
        print_text("".join(f"{path}\n" for path in found.results(output)))
        print_text(say("cli.digest", digest=found.digest(output)) + "\n")
