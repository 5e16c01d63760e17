"""Reading the company's file of thresholds at the start."""

from dataclasses import dataclass, field
from pathlib import Path

from assay.opening import CannotStart
from classifier.threshold_file import ThresholdFileInvalid, ThresholdSettings, parse


@dataclass(frozen=True, slots=True)
class ThresholdFile:
    """The file's text, None where there is none, and what it says."""

    text: str | None = None
    told: ThresholdSettings = field(default_factory=ThresholdSettings)


def read_thresholds(path: Path | None) -> ThresholdFile:
    """Read the file, where there is one to read. Raises CannotStart."""
    if path is None:
        return ThresholdFile()
    try:
        text = path.read_text(encoding="utf-8")
        return ThresholdFile(text, parse(text))
    except OSError as error:
        raise CannotStart(f"Cannot read the thresholds {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"The thresholds {path} are not UTF-8 text.") from error
    except ThresholdFileInvalid as error:
        told = "\n".join(f"  {problem}" for problem in error.problems)
        raise CannotStart(f"The thresholds {path} can't be used:\n{told}") from error
