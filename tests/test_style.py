"""The sentences of docs/style.md that a program can check."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.provider_settings import ProviderSettings
from assay.settings import Settings
from collector.dialects import DIALECTS
from collector.forges import FORGES
from collector.trackers import TRACKERS

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "assay", "classifier", "collector", "domain", "migrations", "store")
FILES = sorted(
    path
    for package in (*PACKAGES, "tests", "bench")
    for path in (ROOT / package).rglob("*.py")
    if "versions" not in path.parts
)
OURS = [path for path in FILES if path.relative_to(ROOT).parts[0] in PACKAGES]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_one_sitting_and_a_function_one_screen(path: Path) -> None:
    assert path.read_text().count("\n") <= 500
    long = [f.name for f in functions(path) if (f.end_lineno or f.lineno) - f.lineno > 70]
    assert long == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_a_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", OURS, ids=name)
def test_no_import_hides_inside_a_function(path: Path) -> None:
    hidden = [
        node.lineno
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_there_is_one_commit_point() -> None:
    committing = [
        f"{name(path)}:{node.lineno}"
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
    ]
    assert len(committing) == 1
    assert committing[0].startswith("store/engine.py")


def test_every_setting_has_its_heading() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    fields = (*Settings.model_fields, *ProviderSettings.model_fields)
    missing = [field for field in fields if f"\n## {field}\n" not in told]
    assert missing == []


def test_every_tool_has_its_page() -> None:
    missing = [d.tool for d in DIALECTS if not (ROOT / "docs/tools" / f"{d.tool}.md").exists()]
    assert missing == []


def test_every_forge_has_its_page() -> None:
    missing = [f.name for f in FORGES if not (ROOT / "docs/forges" / f"{f.name}.md").exists()]
    assert missing == []


def test_every_tracker_has_its_page() -> None:
    missing = [t.name for t in TRACKERS if not (ROOT / "docs/trackers" / f"{t.name}.md").exists()]
    assert missing == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{name(page)}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_constraints_have_hashes_and_no_addresses() -> None:
    told = (ROOT / "constraints.txt").read_text()
    assert "--hash=sha256:" in told
    assert "index-url" not in told
    assert "://" not in told


def test_no_machine_path_is_committed() -> None:
    listed = subprocess.run(
        ["git", "grep", "-lE", "/(home|root|work)/[a-z]", "--", ":!tests/captures", ":!*.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    offending = [path for path in listed.stdout.split() if path != "tests/test_style.py"]
    assert offending == []
