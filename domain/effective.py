"""Which files hold lines that somebody wrote: the others are no measure of work."""

import re

# What tools write down of what they chose. Most of it ends with ".lock".
_LOCKS = frozenset(
    {
        *("bun.lockb", "cartfile.resolved", "conda-lock.yml", "go.sum", "go.work.sum"),
        *("gradle.lockfile", "npm-shrinkwrap.json", "package-lock.json", "package.resolved"),
        *("packages.lock.json", "pnpm-lock.yaml", ".pnp.cjs", ".terraform.lock.hcl"),
    }
)
# What is made of other files, or recorded. "build" and "target" are left out: people write there.
_MADE = re.compile(
    r"\.lock\Z|\.min\.(?:js|mjs|cjs|css)\Z|\.(?:js|mjs|cjs|css)\.map\Z|\.(?:snap|g\.dart|pb\.go)\Z"
    r"|\.(?:freezed\.dart|designer\.cs|pb\.(?:cc|h))\Z|_pb2(?:_grpc)?\.pyi?\Z|\.generated\.[a-z]+\Z"
)
_FOLDERS = frozenset(
    {"__generated__", "__snapshots__", "cassettes", "dist", "generated", "node_modules"}
)


def effective(path: str) -> bool:
    """Tell whether a path is none of a lock file, of generated code or of a recording."""
    *folders, name = path.replace("\\", "/").lower().split("/")
    if name in _LOCKS or _MADE.search(name):
        return False
    return _FOLDERS.isdisjoint(folders)
