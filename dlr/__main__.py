"""`python -m dlr` is the command `dlr`."""

from dlr.cli import main

if __name__ == "__main__":
    main()
