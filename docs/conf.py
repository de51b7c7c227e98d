"""Sphinx builds the documentation from this folder: ./dev docs. Nothing in it comes from the network."""

import re

from sphinx.application import Sphinx

project = "vector_boot"
copyright = "the authors of vector_boot, Apache License 2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "vector_boot_tools.reference"]
exclude_patterns = ["man", "_static"]
primary_domain = None
highlight_language = "none"
smartquotes_action = "D"  # dashes only: quotes are often code
default_role = "code"

html_theme = "alabaster"
html_theme_options = {
    "description": "GGUF language models: the library",
    "fixed_sidebar": True,
    "show_powered_by": False,
    "page_width": "1180px",
    "body_max_width": "auto",
    "sidebar_width": "240px",
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
    "font_size": "16px",
}
html_show_sourcelink = False
html_static_path = ["_static"]
toc_object_entries = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Names that are not ours: without the network nothing tells where they are described.
nitpicky = True
nitpick_ignore = {
    *(("c:identifier", name) for name in ("int32_t", "uint16_t", "uint32_t", "uint64_t", "size_t")),
}
nitpick_ignore_regex = [
    ("cpp:identifier", r"(std|vb_|VB_).*|vector_boot|Buffer<.*>"),
    ("py:class", r"(collections\.abc|os|typing|typing_extensions)\..*|Buffer"),
]


def name_what_is_outside(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Folders and pages of the sources that are no part of the site: their place instead of a link."""
    source[0] = re.sub(r"\[([^\]]+)\]\(\.\./([^)]+(?:\.md|/[a-z]+))\)", r"\1 (`\2` in the sources)", source[0])


def leave_out_signature(
    _app: Sphinx, _what: str, name: str, _object: object, _options: object, signature: str, result: str
) -> tuple[str, str] | None:
    """Of what only the package itself makes."""
    made = ("Session", "Stream", "Region", "Interrupts", "Changes", "Uevents", "Span")
    return ("", "") if name in (f"vector_boot.{one}" for one in made) else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", leave_out_signature)
    app.connect("source-read", name_what_is_outside)
