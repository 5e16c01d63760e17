"""Why a session's cost is booked on nothing."""

from enum import StrEnum


class Unlinked(StrEnum):
    """What is missing, in the order in which it is asked; the first that holds is the reason."""

    NO_SESSION = "no_session"  # telemetry without a session can't be tied to anything
    BESIDE_COMMITS = "beside_commits"  # linked, but spent long before or after its commits
    NOTHING_EDITED = "nothing_edited"  # the tool says that no file was changed
    NO_FORGE = "no_forge"  # nobody reports commits
    REPOSITORY_NOT_CONNECTED = "repository_not_connected"
    WEAK_EVIDENCE = "weak_evidence"  # only links of tier C and D, which carry no cost
    NO_IDENTITY = "no_identity"  # telemetry names nobody
    UNKNOWN_IDENTITY = "unknown_identity"  # whom it names has no commit under any identity
    NO_COMMIT_NEAR = "no_commit_near"  # that person has none from then to a week after
    NO_FILES_TOLD = "no_files_told"  # nor a commit, a branch or anything else that ties
    OTHER_FILES = "other_files"  # the commits of that time touch other files
