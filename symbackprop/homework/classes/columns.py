"""What columns are called in forms, lists and gradebooks: those of ids, of codes; names without their signs."""

from __future__ import annotations

import re
import unicodedata

STUDENT = "student"
"""The column of the ids, as the documentation calls it."""
USUAL_NAMES = (
    *("student", "studentid", "studentnumber", "studentno", "studentidentifier", "yourstudentid", "id", "idnumber"),
    *("sid", "sisuserid", "orgdefinedid", "matriculationnumber", "matriculationno", "matrikelnummer", "matrnr"),
    *("username", "login", "sisloginid", "benutzername", "anmeldename", "identifier"),
    *("email", "emailaddress", "mail", "emailadresse"),
    *("学号", "学生学号", "你的学号", "您的学号", "学生编号", "学生", "学籍号", "邮箱", "电子邮件"),
)
"""Names that columns of ids have in forms and lists, in small letters and without signs, the clearest first."""
ENDINGS = ("studentid", "studentnumber", "idnumber", "matriculationnumber", "matrikelnummer", "学号")
"""What a question for the id ends with: "What is your student ID?"."""
CODE_NAMES = ("code", "sheetcode", "codeofthesheet", "sheet", "卷号", "代码")
"""Names of the column of the codes."""


def simple(name: str) -> str:
    """Return the name of a column in small letters without signs and blanks.

    >>> simple(" Student-ID: "), simple("学号（必填）")
    ('studentid', '学号')
    """
    text = unicodedata.normalize("NFKC", name)
    return "".join(c for c in re.sub(r"[(\[].*?[)\]]", "", text).casefold() if c.isalnum())
