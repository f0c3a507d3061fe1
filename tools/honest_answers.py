"""The law of honest numbers at full length: how many of so many rounded right answers are called mistakes.

`PYTHONPATH=. python tools/honest_answers.py --answers 100000` draws papers on the random problems of the tests, rounded at
the end or on the way, and writes those of which a mistake was named or suspected, or which were called a convention.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys

from symbackprop.mistakes.diagnosis import examined
from symbackprop.mistakes.verdicts import Finding
from tests.mistakes.test_diagnosis import examination, honest

PAPERS = 40
"""Papers on each problem."""
FALSE = (Finding.MISTAKE, Finding.POSSIBLE, Finding.CONVENTION)


def main() -> int:
    """Look at answers and print the false verdicts; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=100_000, help="how many answers are looked at, at least")
    wanted = parser.parse_args().answers
    looked, wrong, problems = 0, 0, 0
    for seed in itertools.count():
        found = examination(seed)
        examination.cache_clear()
        if found is None:
            continue
        problems += 1
        draw = random.Random(f"sweep {seed}")
        for answer in (one for _ in range(PAPERS) for one in examined(found, honest(found, draw)).answers):
            looked += 1
            if answer.verdict in FALSE:
                wrong += 1
                _write(f"seed {seed}: {answer.answer} = {answer.given} for {answer.expected}: {answer.verdict}")
        if looked >= wanted:
            break
    _write(f"{looked} answers of {problems} problems: {wrong} false")
    return 1 if wrong else 0


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
