"""Which files a tool call edited, as keyed hashes that can be compared with a forge's paths.

Arguments are read and dropped. One fact stands for one file, however often it was edited.
"""

import json
import re
from collections.abc import Iterable

from collector.dialects.tool_text import patch_in
from domain.events import Fact, Trace, Traced
from domain.pseudonym import Pseudonyms

# Not a parser: arguments may be cut off. Inside a string every quote is escaped, so the text of an
# edit cannot pass for a key.
_PATH_KEY = re.compile(
    r'(?<!\\)"(?:file_path|filePath|notebook_path|path)"\s*:\s*(?P<path>"(?:[^"\\]|\\.)+")'
)
_PATCHED = re.compile(
    r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (?P<path>.+)$", re.MULTILINE
)
# A call that edits more files than this is a migration; its first files tell which.
_MOST = 256


def edited_file(call: str | None, pseudonyms: Pseudonyms) -> list[Fact]:
    """The file named by the arguments of a call (JSON), if they name one."""
    found = _PATH_KEY.search(call) if call else None
    if found is None:
        return []
    try:
        return files([json.loads(found["path"])], pseudonyms)
    except ValueError:
        return []


def patched_files(call: str, pseudonyms: Pseudonyms) -> list[Fact]:
    """The files of a call's patch in the form of Codex's ``apply_patch``."""
    found = _PATCHED.finditer(patch_in(call))
    return files((each["path"].strip() for each in found), pseudonyms)


def files(paths: Iterable[str], pseudonyms: Pseudonyms) -> list[Fact]:
    """Files with these paths, each once."""
    names = [name for path in paths if (name := pseudonyms.file(path)) is not None]
    return [Traced(trace=Trace.FILE, value=name) for name in list(dict.fromkeys(names))[:_MOST]]
