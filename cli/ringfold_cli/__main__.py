"""`python -m ringfold_cli`."""

from ringfold_cli.app import main

if __name__ == "__main__":
    main()
