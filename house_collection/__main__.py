"""`python -m house_collection`: write the house collection as an imagefolder."""

from .command import main

if __name__ == "__main__":
    raise SystemExit(main(prog="python -m house_collection"))
