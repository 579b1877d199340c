"""``python -m akscan``."""

from akscan.cli import main

if __name__ == "__main__":
    main()
