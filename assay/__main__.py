"""``python -m assay``."""

from assay.entry import main

if __name__ == "__main__":
    main()
