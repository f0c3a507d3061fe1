"""Modules of rows that need PyTorch are not looked into where it is missing; the tests that read them are skipped."""

from __future__ import annotations

import importlib.util

collect_ignore = [] if importlib.util.find_spec("torch") else ["published_modules.py", "torch_cases.py"]
