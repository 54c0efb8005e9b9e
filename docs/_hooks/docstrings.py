"""Docstrings as the site shows them.

The source keeps plain text for people in an editor: doctests without fences, `<dual, g>` without
escapes, and Equinox modules without a written `__init__`.
"""

import re

import griffe

CODE = re.compile(r"(`+[^`]*`+)")


class Docstrings(griffe.Extension):
    """Make docstrings Markdown, and give modules the signature that their fields make."""

    def on_instance(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_class_members(self, *, cls: griffe.Class, **_) -> None:
        fields = {name: m for name, m in cls.members.items() if is_field(m)}
        named = [str(base).rpartition(".")[2] for base in cls.bases]
        module = any(name == "Module" or name.startswith("Abstract") for name in named)
        if not module or not fields or "__init__" in cls.members:
            return
        kind = griffe.ParameterKind.positional_or_keyword
        this = griffe.Parameter("self", kind=kind)
        made = [
            griffe.Parameter(name, annotation=f.annotation, kind=kind, default=default(f))
            for name, f in fields.items()
        ]
        cls.set_member(
            "__init__", griffe.Function("__init__", parameters=griffe.Parameters(this, *made))
        )


def is_field(member: griffe.Object | griffe.Alias) -> bool:
    """Whether a member of a class is an argument of the `__init__` that Equinox writes."""
    if member.is_alias or not member.is_attribute or member.annotation is None:
        return False
    # Of a ClassVar, only the label is left.
    return "instance-attribute" in member.labels and "AbstractVar" not in str(member.annotation)


def default(field: griffe.Attribute) -> str | griffe.Expr | None:
    """The default of a field; `eqx.field` holds it as an argument."""
    value = field.value
    if value is None or not str(value).startswith("eqx.field("):
        return value
    found = re.search(r"default=([^,)]+)", str(value))
    return found[1] if found else None


def as_markdown(text: str) -> str:
    """`text` with its doctests between fences, and with no `<` that HTML would take for a tag."""
    lines, indent = [], None
    for line in text.split("\n"):
        if indent is None and line.lstrip().startswith(">>> "):
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}```pycon")
        elif indent is not None and not line.strip():
            lines.append(f"{indent}```")
            indent = None
        lines.append(line if indent is not None else escaped(line))
    if indent is not None:
        lines.append(f"{indent}```")
    return "\n".join(lines)


def escaped(line: str) -> str:
    """`line` with `<` as text, outside of code."""
    parts = CODE.split(line)
    return "".join(p if i % 2 else p.replace("<", "&lt;") for i, p in enumerate(parts))
