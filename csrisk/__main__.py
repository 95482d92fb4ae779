"""``python -m csrisk``: the command line where no script is on the path."""

from csrisk.cli import main

if __name__ == "__main__":
    main(prog_name="csrisk")
