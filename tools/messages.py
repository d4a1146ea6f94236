"""docs/messages.md: every message that names something to mend, read from the code that says it.

`make messages` writes the page anew. A text in braces stands for what the message names there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "messages.md"
ROOMS = {  # in the order in which a user meets them
    "cohort": "Tables, images and outlines",
    "engine": "Settings, the study's folder and the run",
    "cli": "Commands",
    "errors": "What is not installed",
    "settings": "Settings that do not go together",
    "study": "The study and predictions",
    "stages": "Stages",
    "radiomics": "Radiomics",
    "learn": "Signatures",
    "stats": "Statistics",
    "deep": "Networks for stills",
    "volume": "Networks for volumes",
    "networks": "Training",
    "superres": "Super-resolution",
    "attention": "Attention maps",
    "figures": "Figures",
    "report": "Report",
    "phantom": "Built-in cohorts",
    "protocols": "Folds",
    "tables": "Tables of a study",
    "doctor": "The doctor's page",
}
SAYS = {"InputError": ("where", "what", "mend"), "Problem": ("where", "what", "mend"), "SettingError": ("what", "mend"),
        "problem": ("where", "what", "mend"), "note": ("where", "what")}  # fmt: skip
HEAD = """# What dlr says, and what to do

Every message that stops a run or takes a case out of it: what it says, where it points, how to mend it. The second
table of a part holds its notes, which are said and change nothing. `{so}` stands for what the message names. The exit
status is 2; all other rows are checked too, and what was finished is kept.

This page is written from the program's own texts (`make messages`).
"""
MOST_FORMS = 12  # of one message with alternatives


@dataclass(frozen=True, order=True)
class Message:
    """One message in words; `mend` is "" for a note."""

    what: str
    where: str
    mend: str


@dataclass
class Scope:
    """A function with what its names stand for, and the calls to it in its file."""

    names: dict[str, ast.expr] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    calls: list[ast.Call] = field(default_factory=list)


def messages(source: str) -> set[Message]:
    """The messages of one file."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found: set[Message] = set()
    for scope, call in _calls_with_scopes(tree, calls):
        order = SAYS[_called(call)]
        arguments = dict(zip(order, call.args, strict=False)) | {each.arg or "": each.value for each in call.keywords}
        given = {name: arguments[name] for name in order if name in arguments}
        if "what" not in given or any(isinstance(each, ast.Starred) for each in call.args):
            continue
        for names in _as_called(scope, given):
            texts = {name: list(_texts(given[name], names))[:MOST_FORMS] if name in given else [""] for name in order}
            for what in texts["what"]:
                where, mend = (
                    texts.get(name, [default])[0] for name, default in (("where", "a setting"), ("mend", ""))
                )
                if re.search(r"[^\W\d]{2}", re.sub(r"\{[^}]*\}", "", what)):
                    found.add(Message(what, where, mend))
    return found


def _calls_with_scopes(tree: ast.Module, calls: list[ast.Call]) -> Iterator[tuple[Scope, ast.Call]]:
    """Every call that says something, with the innermost function that it stands in."""
    shared = Scope(_assigned(tree.body))

    def within(node: ast.AST, scope: Scope) -> Iterator[tuple[Scope, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                own = [n for n in ast.walk(child) if isinstance(n, ast.Call)]
                called = [call for call in calls if _called(call) == child.name and call not in own]
                parameters = tuple(each.arg for each in child.args.args if each.arg != "self")
                inner = Scope(shared.names | _assigned(list(ast.walk(child))), parameters, called)
                yield from within(child, inner)
                continue
            if isinstance(child, ast.Call) and _called(child) in SAYS:
                yield scope, child
            yield from within(child, scope)

    return within(tree, shared)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def _assigned(nodes: list[ast.AST] | list[ast.stmt]) -> dict[str, ast.expr]:
    """What names are set to, the first time."""
    found: dict[str, ast.expr] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names, values = [target], [node.value]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names, values = target.elts, node.value.elts
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name):
                        found.setdefault(name.id, value)
    return found


def _as_called(scope: Scope, given: Mapping[str, ast.expr]) -> list[dict[str, ast.expr]]:
    """What names stand for: once for each call of the function where a message is made of its parameters."""
    used = {node.id for value in given.values() for node in ast.walk(value) if isinstance(node, ast.Name)}
    if not scope.calls or not used & set(scope.parameters):
        return [scope.names]
    out = []
    for call in scope.calls:
        positional = dict(zip(scope.parameters, call.args, strict=False))
        out.append(scope.names | positional | {each.arg: each.value for each in call.keywords if each.arg})
    return out


def _texts(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 4) -> Iterator[str]:
    """The forms that a text can take; what is only known when it is said stands in braces."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield from _joined(parts, names, depth)
        case ast.FormattedValue(value=value):
            yield from _texts(value, names, depth) if _is_text(value, names) else ["{" + _named(value) + "}"]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _joined([left, right], names, depth)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, names, depth)
            yield from _texts(orelse, names, depth)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _texts(value, names, depth)
        case ast.Name(id=name) if depth and name in names and _is_text(names[name], names):
            yield from _texts(names[name], {k: v for k, v in names.items() if k != name}, depth - 1)
        case _:
            yield "{" + _named(node) + "}"


def _joined(parts: list[ast.expr], names: Mapping[str, ast.expr], depth: int) -> Iterator[str]:
    forms = [""]
    for part in parts:
        forms = [before + text for before in forms for text in _texts(part, names, depth)][:MOST_FORMS]
    yield from forms


def _is_text(node: ast.expr, names: Mapping[str, ast.expr]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names and _is_text(names[node.id], {k: v for k, v in names.items() if k != node.id})
    if isinstance(node, ast.IfExp):
        return _is_text(node.body, names) or _is_text(node.orelse, names)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_is_text(node.left, names) or _is_text(node.right, names))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _named(node: ast.expr) -> str:
    """A word for what an expression gives: its last name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").replace("_", " ").lower()
        case ast.Call(func=ast.Attribute(value=ast.Constant()), args=[first, *_]):  # ", ".join(names)
            return _named(first)
        case ast.Call(func=ast.Name(id="len")):
            return "n"
        case ast.Call(func=ast.Name(id="str" | "sorted" | "repr" | "type" | "map" | "list"), args=[*_, last]):
            return _named(last)
        case ast.Call(func=ast.Attribute(value=value)):
            return _named(value)
        case ast.Call(func=func):
            return _named(func)
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return _named(value)
        case ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt):
            return _named(elt)
        case ast.BinOp(left=left):
            return _named(left)
    return "…"


def page() -> str:
    """The page of all messages."""
    found: dict[str, set[Message]] = {}
    for path in sorted((ROOT / "dlr").rglob("*.py")):
        room = path.relative_to(ROOT / "dlr").parts[0].removesuffix(".py")
        found.setdefault(room, set()).update(messages(path.read_text(encoding="utf-8")))
    parts = [HEAD]
    for room in (*ROOMS, *sorted(found.keys() - ROOMS.keys())):
        mended = sorted(message for message in found.get(room, ()) if message.mend)
        notes = sorted(message for message in found.get(room, ()) if not message.mend)
        if mended or notes:
            parts.append(f"## {ROOMS.get(room, room)}\n")
        if mended:
            rows = [f"| {_cell(m.what)} | {_cell(m.where)} | {_cell(m.mend)} |" for m in mended]
            parts.append("\n".join(["| it says | where | what to do |", "|---|---|---|", *rows]) + "\n")
        if notes:
            rows = [f"| {_cell(m.what)} | {_cell(m.where)} |" for m in notes]
            parts.append("\n".join(["| it notes | where |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Text in a cell of a table: no bars, one line, no markup."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return re.sub(r"([<>*_`])", r"\\\1", plain)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(f"{PAGE.relative_to(ROOT)}: {PAGE.read_text(encoding='utf-8').count(chr(10) + '| ')} lines")
