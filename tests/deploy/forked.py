"""What the nursery forks in the tests: says what it was given, then ends as its argument says."""

import os
import sys
import time


def main() -> None:
    """Run when it is the main module."""
    given, inherited = os.environ.get("GIVEN"), os.environ.get("NOT_GIVEN")
    sys.stdout.write(f"argument {sys.argv[1]} variable {given} inherited {inherited}\n")
    if sys.argv[1] == "fail":
        raise RuntimeError("so it goes")
    if sys.argv[1] == "wait":
        time.sleep(60)
    sys.exit(int(sys.argv[1]))


if __name__ == "__main__":
    main()
