"""Inputs led by coverage, with atheris: `python -m tests.fuzz.guided SECONDS [READER …]`, in a process for each reader.

It begins with what a reader usually gets and with the corpus, and damages it as the random tests do; what reaches new code
is kept while it runs. What breaks the law is written to `tests/fuzz/corpus/READER`, and named.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def begin(folder: Path, name: str) -> None:
    """Write what a reader usually gets, and what was found before, into a folder."""
    from tests.fuzz.readers import READERS

    found = [path.read_bytes() for path in (CORPUS / name).glob("*")]
    for data in (*READERS[name].seeds(), *found):
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def fuzz(name: str, folder: str, seconds: int) -> None:
    """Look for inputs of a reader that break the law, and end with the process."""
    import atheris

    with atheris.instrument_imports(include=["symbackprop"]):
        from tests.fuzz.law import assert_law
        from tests.fuzz.mutations import damaged_text, damaged_tree
        from tests.fuzz.readers import READERS
    reader = READERS[name]

    def look(data: bytes) -> None:
        try:
            assert_law(reader, data)
        except BaseException:
            place = CORPUS / name / hashlib.sha256(data).hexdigest()[:12]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            raise

    def damage(data: bytes, largest: int, chance: int) -> bytes:
        draw = random.Random(chance)
        if not reader.is_tree and draw.random() < 0.3:
            return atheris.Mutate(data, largest)
        return (damaged_tree if reader.is_tree else damaged_text)(data, draw.choice)[:largest]

    options = ["-max_len=20000", f"-max_total_time={seconds}", "-verbosity=0", "-print_final_stats=1", "-timeout=30"]
    atheris.Setup(
        [sys.argv[0], *options, folder, "-rss_limit_mb=3000", f"-artifact_prefix={folder}/"],
        look,
        custom_mutator=damage,
    )
    atheris.Fuzz()


def main(seconds: int, names: list[str]) -> int:
    """Fuzz some readers one after the other, and return how many have something that breaks the law."""
    broken = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            begin(Path(folder), name)
            share = str(max(1, seconds // len(names)))
            ended = subprocess.run([sys.executable, "-m", __spec__.name, "--one", name, folder, share], check=False)
            kept = len(os.listdir(folder))
        broken += ended.returncode != 0
        sys.stdout.write(f"{name}: {kept} inputs that reach code of their own; exit code {ended.returncode}\n")
    return broken


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        fuzz(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        from tests.fuzz.readers import READERS

        sys.exit(main(int(sys.argv[1]), sys.argv[2:] or list(READERS)))
