"""``python -m assay``."""

from assay.main import app

if __name__ == "__main__":
    app()
