"""What is public and not described does not get through `./dev docs`."""

from pathlib import Path

import pytest
from install_test import SOURCE
from vector_boot_tools import documentation
from vector_boot_tools.reference import Header

HEADER = (SOURCE / "include" / "vector_boot.h").read_text(encoding="utf-8")
LAST = "VB_API void vb_session_free(vb_session* session);\n"


def read(folder: Path, text: str) -> bool:
    file = folder / "vector_boot.h"
    file.write_text(text, encoding="utf-8")
    return documentation.read_header("c", folder / "xml", INPUT=str(file))


def warnings(folder: Path) -> list[str]:
    header = Header(folder / "xml", "c")
    for group in ("status", "buffers", "models", "requests", "loops", "sessions"):
        header.group(group)
    return header.warnings


def test_the_header_as_it_is(tmp_path):
    assert read(tmp_path, HEADER)
    assert warnings(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        HEADER.replace(LAST, LAST + "VB_API int32_t vb_session_count(int32_t most);\n"),
        HEADER.replace(" /**< the handle belongs to the parent process */", ""),
        HEADER.replace(" /**< how many tokens there are */", ""),
    ],
)
def test_what_is_not_described_is_refused(tmp_path, capfd, text):
    assert text != HEADER
    assert not read(tmp_path, text)
    assert "is not documented" in capfd.readouterr().err


def test_a_parameter_without_a_word_is_a_warning(tmp_path):
    assert read(tmp_path, HEADER.replace(LAST, LAST + "/** Counts. */\nVB_API int32_t vb_session_count(int32_t most);\n"))
    assert warnings(tmp_path) == ["vb_session_count says nothing of its parameter most"]
