"""Patterns of `match` in JavaScript: conditions that bind names as they are asked."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .names import Names
from .parts import Definition, UnknownPartError


class Patterns(Names):
    """Writes patterns."""

    def pattern(self, node: ast.pattern, subject: str) -> str:
        """Write the condition under which a value has a form; it binds names as it goes."""
        match node:
            case ast.MatchAs(pattern=None, name=None):
                return "true"
            case ast.MatchAs(pattern=None, name=str(name)):
                return f"(({self._local(name)}={subject}),true)"
            case ast.MatchAs(pattern=pattern, name=str(name)) if pattern is not None:
                return f"({self.pattern(pattern, subject)}&&(({self._local(name)}={subject}),true))"
            case ast.MatchOr(patterns=patterns):
                return "(" + "||".join(self.pattern(each, subject) for each in patterns) + ")"
            case ast.MatchValue(value=value):
                return f"$.eq({subject},{self.expression(value)})"
            case ast.MatchSingleton(value=value):
                return f"({subject}==={'null' if value is None else str(value).lower()})"
            case ast.MatchSequence(patterns=patterns):
                return self._sequence(patterns, subject)
            case ast.MatchMapping(keys=keys, patterns=patterns, rest=None):
                parts = [f"$.is({subject},$.abc.Mapping)"]
                for key, each in zip(keys, patterns, strict=True):
                    written = self.expression(key)
                    parts.append(f"$.has({subject},{written})&&{self._inner(each, f'$.at({subject},{written})')}")
                return "(" + "&&".join(parts) + ")"
            case ast.MatchClass(cls=kind, patterns=patterns, kwd_attrs=names, kwd_patterns=named):
                return self._of_class(kind, patterns, names, named, subject)
        raise UnknownPartError(f"{self.module}:{node.lineno}: pattern {type(node).__name__}")

    def _sequence(self, patterns: Sequence[ast.pattern], subject: str) -> str:
        starred = [place for place, each in enumerate(patterns) if isinstance(each, ast.MatchStar)]
        count = len(patterns) - len(starred)
        parts = [f"Array.isArray({subject})", f"{subject}.length{'>=' if starred else '==='}{count}"]
        for place, each in enumerate(patterns):
            if isinstance(each, ast.MatchStar):
                if each.name:
                    end = f"{subject}.length-{len(patterns) - 1 - place}"
                    parts.append(f"(({self._local(each.name)}={subject}.slice({place},{end})),true)")
                continue
            index = str(place) if not starred or place < starred[0] else f"{subject}.length-{len(patterns) - place}"
            parts.append(self._inner(each, f"{subject}[{index}]"))
        return "(" + "&&".join(parts) + ")"

    def _inner(self, pattern: ast.pattern, value: str) -> str:
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
            return self.pattern(pattern, value)
        kept = self._temporary()
        return f"(({kept}={value}),{self.pattern(pattern, kept)})"

    def _of_class(
        self, kind: ast.expr, patterns: list[ast.pattern], names: list[str], named: list[ast.pattern], subject: str
    ) -> str:
        parts = [f"$.is({subject},{self._kinds(kind)})"]
        found = self.resolved(kind)
        places: list[str] = []
        if isinstance(found, Definition) and found.fields is not None:
            places = [name for name, _, _ in found.fields]
        for place, each in enumerate(patterns):
            if isinstance(kind, ast.Name) and kind.id in ("str", "int", "float", "bool", "tuple", "list"):
                parts.append(self.pattern(each, subject))
            elif place >= len(places):
                raise UnknownPartError(f"{self.module}: {ast.unparse(kind)} is no class with fields")
            else:
                parts.append(self._inner(each, f"{subject}.{self._attribute_name(places[place])}"))
        parts += [
            self._inner(each, f"{subject}.{self._attribute_name(n)}") for n, each in zip(names, named, strict=True)
        ]
        return "(" + "&&".join(parts) + ")"
