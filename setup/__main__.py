"""`python3.11 -m setup PURPOSE`: do what is missing to run or to test the station.

Purposes: run, fingerprints, comparison, cameras, test; `font` cuts the page's letters anew,
`voice [LOCALE ...]` speaks changed lines into the voice packs.
"""

import sys


def main(purpose: str, *names: str) -> int:
    """Bring the machine to where this purpose can start; return the exit status."""
    # Not at the top: another Python could not even read these, and would not say why.
    from setup import environment, font  # noqa: PLC0415
    from setup.commands import Stop, cause_of  # noqa: PLC0415
    from setup.steps import prepare  # noqa: PLC0415
    from setup.voice import speak_lines  # noqa: PLC0415

    try:
        if purpose == "voice":
            speak_lines(*names)
        else:
            prepare("test" if purpose == "font" else purpose)
        if purpose == "font":
            font.start(environment.VENV / "bin" / "python")
    except Stop as stop:
        sentence = str(stop)
    except OSError as error:
        sentence = cause_of(error)
    except KeyboardInterrupt:
        sentence = "Interrupted: run the same command again to go on"
    else:
        return 0
    print(f"set-up: {sentence}.", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    if sys.version_info[:2] != (3, 11):
        sys.exit("set-up: Python 3.11 is needed: install it, then name it with `make PYTHON=...`.")
    sys.exit(main(*sys.argv[1:]))
