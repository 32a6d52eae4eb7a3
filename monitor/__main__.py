"""`python -m monitor`, and the command `monitor`."""

import gc


def main() -> None:
    """Run the command line."""
    # What is loaded stays: to look for garbage among it took a tenth of a short command.
    gc.disable()
    from monitor.cli import main as run

    try:
        run()
    finally:
        gc.freeze()  # nor is any looked for as the program ends


if __name__ == "__main__":
    main()
