"""Reading the company's price file, with a plain sentence for everything that is wrong with it."""

from dataclasses import dataclass
from pathlib import Path

from assay.opening import CannotStart
from domain.company_prices import CompanyPrices
from domain.price_file import PriceFileInvalid, parse


@dataclass(frozen=True, slots=True)
class PriceFile:
    """The file's text and what it says; both None where there is none."""

    text: str | None = None
    company: CompanyPrices | None = None


def read_prices(path: Path | None) -> PriceFile:
    """Read the file, where there is one to read. Raises CannotStart."""
    if path is None:
        return PriceFile()
    try:
        text = path.read_text(encoding="utf-8")
        return PriceFile(text, parse(text))
    except OSError as error:
        raise CannotStart(f"Cannot read the price file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"The price file {path} is not UTF-8 text.") from error
    except PriceFileInvalid as error:
        told = "\n".join(f"  {problem}" for problem in error.problems)
        raise CannotStart(f"The price file {path} can't be used:\n{told}") from error
