"""The C and C++ reference for Sphinx: the directives doxygen-group, doxygen-class and doxygen-file put what Doxygen read
of the headers into Sphinx's own domains, so that it is searched, indexed and linked as everything else.

What Doxygen does not warn of is a warning here: a function that says nothing of one of its parameters.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)

LINKS = (
    (r"\b(vb_[a-z_]+)\(\)", r":c:func:`\1`"),
    (r"\b(vb_[a-z_]+)\.(\w+)", r":c:member:`\1.\2`"),
    (r"\b(VB_[A-Z]+(?:_[A-Z]+)*)\b(?!\\)", r":c:macro:`\1`"),
    (r"\b(vb_(?:model|session|request|buffer|model_options|request_options|model_info))\b(?![`.(\\])", r":c:type:`\1`"),
    (r"\bdocs/(\w+)\.md\b", r":doc:`/\1`"),
)
SPACES = re.compile(r"\s+")
WITHOUT_TEXT = {"parameterlist", "simplesect"}  # they have a place of their own


def words(element: ElementTree.Element) -> str:
    """The text of a paragraph as reStructuredText."""
    parts = [linked(element.text or "")]
    for child in element:
        if child.tag == "computeroutput":
            parts.append(f"``{''.join(child.itertext())}``")
        elif child.tag not in WITHOUT_TEXT:
            parts.append(words(child))
        parts.append(linked(child.tail or ""))
    return SPACES.sub(" ", "".join(parts)).strip(" ") if element.tag == "para" else "".join(parts)


def linked(text: str) -> str:
    text = re.sub(r"([\\*`|])|(?<=\w)(_)(?!\w)", r"\\\1\2", text)
    for pattern, role in LINKS:
        text = re.sub(pattern, role, text)
    return text


def indented(lines: list[str], by: str = "   ") -> list[str]:
    return [f"{by}{line}" if line else "" for line in lines]


def description(member: ElementTree.Element) -> list[str]:
    lines = []
    whole = " ".join(words(one) for one in member.findall("briefdescription/para"))
    for paragraph in member.findall("detaileddescription/para"):
        items = paragraph.find("itemizedlist")
        text = words(paragraph) if items is None else linked((paragraph.text or "").strip())
        whole = f"{whole} {text}".strip()
        lines += [whole, ""]
        whole = ""
        if items is not None:
            lines += [f"* {words(item)}" for item in items.findall("listitem/para")] + [""]
    return [*lines, whole, ""]


def parameters(member: ElementTree.Element) -> dict[str, str]:
    """What is said of each; those that are said together share it."""
    said = {}
    for item in member.iterfind("detaileddescription/para/parameterlist/parameteritem"):
        names = [name.text or "" for name in item.iterfind("parameternamelist/parametername")]
        said[", ".join(names)] = " ".join(words(one) for one in item.iterfind("parameterdescription/para"))
    return said


def names_of(arguments: str) -> list[str]:
    inner = arguments[arguments.index("(", 0) + 1 : arguments.rindex(")")].strip()
    if inner in ("", "void"):
        return []
    return [re.findall(r"\w+", argument)[-1] for argument in inner.split(",")]


class Header:
    """One Doxygen run, in XML."""

    def __init__(self, folder: Path, domain: str) -> None:
        self.folder = folder
        self.domain = domain
        self.warnings: list[str] = []
        index = ElementTree.parse(folder / "index.xml").getroot()
        self.compounds = {
            (one.get("kind"), one.findtext("name")): one.get("refid") for one in index.iter("compound")
        }

    def compound(self, kind: str, name: str) -> ElementTree.Element:
        file = self.compounds.get((kind, name))
        if file is None:
            raise LookupError(f"Doxygen found no {kind} {name}")
        found = ElementTree.parse(self.folder / f"{file}.xml").getroot().find("compounddef")
        assert found is not None
        return found

    def file(self, name: str) -> list[str]:
        return description(self.compound("file", name))

    def group(self, name: str) -> list[str]:
        """All that is in it, in the order of the header."""
        group = self.compound("group", name)
        found = [(self.line(member), self.member(member)) for member in group.iter("memberdef")]
        for inner in group.iterfind("innerclass"):
            structure = self.compound("struct", inner.text or "")
            found.append((self.line(structure), self.structure(structure)))
        return [line for _, lines in sorted(found, key=lambda one: one[0]) for line in lines]

    def structure(self, compound: ElementTree.Element, *, inner: bool = False) -> list[str]:
        name = compound.findtext("compoundname") or ""
        name = self.template(compound) + (name.split("::")[-1] if inner else name)
        kind = "struct" if compound.get("kind") == "struct" else "class"
        body = description(compound)
        for member in compound.iter("memberdef"):
            if member.get("prot") == "public" and member.get("kind") != "friend":
                body += self.member(member)
        for one in compound.iterfind("innerclass"):
            if one.get("prot") == "public":
                body += self.structure(self.compound("class", one.text or ""), inner=True)
        return [f".. {self.domain}:{kind}:: {name}", "", *indented(body)]

    def member(self, member: ElementTree.Element) -> list[str]:
        kind, name = member.get("kind"), member.findtext("name") or ""
        body = description(member)
        if kind == "define":
            return [f".. c:macro:: {name}", "", *indented([*self.value(member), *body])]
        if kind == "variable":
            return [f".. {self.domain}:member:: {self.declaration(member)}", "", *indented(body)]
        if kind == "typedef":
            declaration = (member.findtext("definition") or "").removeprefix("typedef ")
            if declaration.startswith("struct "):
                declaration = name  # an opaque one
            elif self.domain == "cpp":
                declaration = f"{self.template(member)}{name} = {element_text(member.find('type'))}"
            return [f".. {self.domain}:type:: {declaration}", "", *indented([*body, *self.arguments(member), ""])]
        if kind == "enum":
            values = [f".. cpp:enumerator:: {one.findtext('name')}" for one in member.iterfind("enumvalue")]
            return [f".. cpp:enum-class:: {name}", "", *indented([*body, *values, ""])]
        fields = self.arguments(member)
        for result in member.iterfind("detaileddescription/para/simplesect[@kind='return']/para"):
            fields.append(f":Returns: {words(result)}")
        return [f".. {self.domain}:function:: {self.declaration(member)}", "", *indented([*body, *fields, ""])]

    def declaration(self, member: ElementTree.Element) -> str:
        kept = [word for word in ("static", "explicit") if member.get(word) == "yes" and self.domain == "cpp"]
        result = "".join(element_text(member.find("type")))
        name, arguments = member.findtext("name") or "", member.findtext("argsstring") or ""
        initializer = member.findtext("initializer") or "" if member.get("kind") == "variable" else ""
        words_of_it = [*kept, result, name + arguments]
        return self.template(member) + " ".join(word for word in words_of_it if word) + (f" {initializer}" if initializer else "")

    def template(self, member: ElementTree.Element) -> str:
        listed = member.find("templateparamlist")
        if listed is None:
            return ""
        ones = []
        for one in listed.iterfind("param"):
            default = one.find("defval")
            text = element_text(one.find("type"))
            ones.append(text + (f" = {element_text(default)}" if default is not None else ""))
        return f"template <{', '.join(ones)}> "

    def value(self, member: ElementTree.Element) -> Iterator[str]:
        value = element_text(member.find("initializer")).strip("()")
        if re.fullmatch(r"-?\d+", value):
            yield f"``{value}``:"

    def arguments(self, member: ElementTree.Element) -> list[str]:
        """Not Sphinx's own fields: they take one name, and here a text and its length share what is said of them."""
        said = parameters(member)
        arguments = member.findtext("argsstring") or ""
        if self.domain == "c" and "(" in arguments:
            told = {name for names in said for name in names.split(", ")}
            for name in names_of(arguments):
                if name not in told:
                    self.warnings.append(f"{member.findtext('name')} says nothing of its parameter {name}")
        if not said:
            return []
        return [":Parameters:", *(f"   * **{names}** – {text}" for names, text in said.items())]

    @staticmethod
    def line(element: ElementTree.Element) -> int:
        location = element.find("location")
        return int(location.get("line", "0")) if location is not None else 0


def element_text(element: ElementTree.Element | None) -> str:
    return "" if element is None else "".join(element.itertext())


class FromDoxygen(SphinxDirective):
    required_arguments = 2  # the domain, c or cpp, and the name

    def run(self) -> list[nodes.Node]:
        domain, name = self.arguments
        header = Header(Path(self.config.doxygen_folder, domain), domain)
        kind = self.name.removeprefix("doxygen-")
        if kind == "class":
            key = next(one for one in ("class", "struct") if (one, name) in header.compounds)
            lines = header.structure(header.compound(key, name))
        else:
            lines = header.group(name) if kind == "group" else header.file(name)
        for text in header.warnings:
            logger.warning("%s", text, location=self.get_location())
        self.content = StringList(lines, source=self.get_source_info()[0])
        return self.parse_content_to_nodes(allow_section_headings=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_config_value("doxygen_folder", "", "env")
    for kind in ("group", "class", "file"):
        app.add_directive(f"doxygen-{kind}", FromDoxygen)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
