"""The page of messages holds what the code says today."""

from __future__ import annotations

import pytest

from tools.messages import PAGE, Message, messages, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make messages`"


def test_the_page_has_hundreds_of_messages_each_with_all_three_parts():
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| it ")
    ]
    mended = [line.split(" | ") for line in rows if line.count(" | ") >= 2]
    assert len(mended) > 350 and all(cell.strip(" |") for row in mended for cell in row)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('InputError("here", "is wrong", "mend it")', [("is wrong", "here", "mend it")]),
        ('Problem(where=f"{path.name} row {row}", what="is wrong", mend="mend it")',
         [("is wrong", "{name} row {row}", "mend it")]),
        ('findings.note("here", f"{len(rows)} rows")', [("{n} rows", "here", "")]),
        ("SettingError(f\"{', '.join(names)} \" + 'do not go together', 'take one')",
         [("{names} do not go together", "a setting", "take one")]),
        ('InputError("a", "is one" if one else "are many", "mend")', [("are many", "a", "mend"),
                                                                     ("is one", "a", "mend")]),
        ('def f():\n what, mend = "is wrong", "mend"\n raise InputError("a", what, mend)', [("is wrong", "a", "mend")]),
        ('def f(what, n):\n return Problem("a", f"it {what}", "mend")\nf("is old", 1)\nf(what="is new", n=2)',
         [("it is new", "a", "mend"), ("it is old", "a", "mend")]),
        ('InputError(where, what, mend)\nInputError.of(problems)\nprint("is wrong")', []),
    ],
)  # fmt: skip
def test_a_message_is_read_from_its_code(source, found):
    assert sorted(messages(source)) == [Message(*each) for each in found]
