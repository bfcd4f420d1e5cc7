"""The log: an allow-list of fields and values, for our words, libraries' words and errors."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from edge.logs import CODE, FIELDS, LINES_KEPT, NAMELESS, configure_logs, last_lines

CHECKOUT = Path(__file__).resolve().parent.parent
NAME = "陈诗涵"
LATIN_NAME = "Chen Shihan"
SECRETS = (NAME, LATIN_NAME, "Shihan", json.dumps(NAME).strip('"'))


class Words(io.StringIO):
    """What the log wrote, read back line by line."""

    def lines(self) -> list[dict[str, Any]]:
        text = self.getvalue()
        assert not any(secret in text for secret in SECRETS), text
        assert not text or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@pytest.fixture
def words():
    """The log configured as at a start; everything global is put back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    written = Words()
    configure_logs(written)
    yield written
    root.handlers, logging.raiseExceptions = before[0], before[2]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(capture=False)


def fail() -> None:
    """Raise what quotes a person."""
    raise ValueError(f"{NAME} {LATIN_NAME}")


def failed() -> ValueError:
    """Return what `fail` raises, with its place."""
    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


def test_an_unknown_field_is_dropped(words):
    """What nobody allowed is not written, however harmless it looks."""
    structlog.get_logger("test").info("kept", sitting="s-1", name=LATIN_NAME, colour="red", x=1)

    line = words.only()
    assert line["event"] == "kept"
    assert line["sitting"] == "s-1"
    assert line.keys() <= FIELDS


@pytest.mark.parametrize(
    "value",
    [
        NAME,
        LATIN_NAME,
        f"finger-{NAME}",
        "A" * 97,
        [LATIN_NAME],
        {"a": NAME},
        NAME.encode(),
        "a\nb",
    ],
    ids=["cjk", "words", "part-cjk", "blob", "list", "dict", "bytes", "lines"],
)
def test_a_value_that_is_no_id_code_or_number_is_blanked(words, value):
    """Names, CJK, long blobs and whatever is made of parts never pass in an allowed field."""
    structlog.get_logger("test").info("kept", reason=value)

    assert words.only()["reason"] == NAMELESS


@pytest.mark.parametrize("value", [None, True, 7, 0.5, "right_thumb", "/v1/packages", "2026-11-22"])
def test_ids_codes_and_numbers_are_kept_as_they_are(words, value):
    """The list must not blank what a technician needs."""
    structlog.get_logger("test").info("kept", reason=value)

    assert words.only()["reason"] == value


def test_an_event_with_words_is_blanked(words):
    """A sentence put together in our own code is no code."""
    structlog.get_logger("test").warning(f"no package of {LATIN_NAME}")

    assert words.only()["event"] == NAMELESS


def test_a_library_message_keeps_only_its_origin(words):
    """Nobody can vouch for what a library quotes, nor for the fields it adds."""
    library = logging.getLogger("httpx.client")
    library.warning("GET /%s", LATIN_NAME, extra={"reason": "Shihan"}, stack_info=True)

    line = words.only()
    assert line.keys() == {"event", "level", "logger", "place"}
    assert (line["event"], line["logger"]) == ("library_message", "httpx.client")
    assert line["place"].startswith("test_logs.py:")


def test_a_driver_keeps_its_code_and_the_allowed_fields(words):
    """Drivers know the standard library's logging only; a formatted message is no code."""
    driver = logging.getLogger("drivers.readers.zfm")
    driver.warning("zfm_speed_refused", extra={"baud": 57600, "subject": "Shihan"})
    driver.warning("refused_%s", LATIN_NAME)
    driver.warning(LATIN_NAME)

    code, *others = words.lines()
    assert (code["event"], code["baud"]) == ("zfm_speed_refused", 57600)
    assert "subject" not in code
    assert [line["event"] for line in others] == ["library_message"] * 2


@pytest.mark.parametrize("form", ["true", "error", "tuple"])
@pytest.mark.parametrize("of", ["structlog", "library"])
def test_an_exception_is_its_type_and_place(words, of, form):
    """Never its message, in whatever form it is handed over."""
    log: Any = structlog.get_logger("test") if of == "structlog" else logging.getLogger("library")
    try:
        fail()
    except ValueError as error:
        given = {"true": True, "error": error, "tuple": sys.exc_info()}[form]
        log.error("broken", exc_info=given)

    line = words.only()
    assert line["error"] == "ValueError"
    assert line["place"].startswith("test_logs.py:")
    assert "exc_info" not in line


def test_no_exception_is_no_error(words):
    """`exc_info=True` outside a handler says nothing more."""
    structlog.get_logger("test").error("broken", exc_info=True)

    assert "error" not in words.only()


def test_a_warning_is_a_library_message(words):
    """`warnings` prints what it warns of; here it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"about {LATIN_NAME}", stacklevel=1)

    assert words.only()["event"] == "library_message"


@pytest.mark.parametrize(
    ("ending", "event"),
    [
        ("raise ValueError(NAME)", "uncaught"),
        ("threading.Thread(target=fail).start()", "uncaught_in_thread"),
        ("Fails()", "unraisable"),
    ],
)
def test_what_nobody_caught_goes_through_the_list_too(ending, event):
    """The main thread, other threads, finalizers: one JSON line each."""
    program = textwrap.dedent(f"""
        import threading
        from edge.logs import configure_logs
        NAME = {LATIN_NAME!r}
        def fail():
            raise ValueError(NAME)
        class Fails:
            def __del__(self):
                fail()
        configure_logs()
        {ending}
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    line = json.loads(done.stderr)
    assert line["event"] == event
    assert line["error"] == "ValueError"


def test_a_message_that_cannot_be_put_together_is_not_printed(words, capsys):
    """`logging` prints its own failures with the arguments; here they are lost instead."""
    logging.getLogger("library").warning("%d", LATIN_NAME)

    assert words.lines() == []
    assert capsys.readouterr().err == ""


def test_a_thread_that_ends_itself_is_no_error(words):
    """`sys.exit` in a thread is an end, not a fault."""
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()

    assert words.lines() == []


def test_the_last_lines_are_kept_as_they_were_written(words):
    """For support: scrubbed like what went out, and no more than a few."""
    for number in range(LINES_KEPT + 5):
        structlog.get_logger("test").info("said", count=number, name=LATIN_NAME)
    kept = last_lines()

    assert len(kept) == LINES_KEPT
    assert list(kept) == words.getvalue().splitlines()[-LINES_KEPT:]


def test_before_the_log_is_set_up_no_lines_are_kept():
    """Asked too early, support gets nothing, not an error."""
    assert last_lines() == ()


LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
ROOMS = ("api", "edge", "drivers", "quality", "formats")


def log_calls() -> list[tuple[str, ast.Call]]:
    """Return each call of a `log` in the station's own code, with its place."""
    return [
        (f"{module.relative_to(CHECKOUT)}:{node.lineno}", node)
        for room in ROOMS
        for module in sorted((CHECKOUT / room).rglob("*.py"))
        # They run in the demo's own process, whose log is the terminal.
        if "peers" not in module.parts
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOG_METHODS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
    ]


def test_no_log_call_says_what_the_list_would_drop():
    """Whoever writes a line of the log means it to be read: by code, with fields that pass."""
    calls = log_calls()
    lost = {
        where: sorted(unfit)
        for where, call in calls
        if (unfit := {*_fields(call)} - FIELDS - {"exc_info"} | {*_words(call)})
    }

    assert len(calls) > 50
    assert lost == {}


def _fields(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "extra":
            assert isinstance(keyword.value, ast.Dict), ast.unparse(keyword)
            yield from (ast.literal_eval(key) for key in keyword.value.keys if key is not None)
        else:
            yield keyword.arg or "**"


def _words(call: ast.Call) -> Iterator[str]:
    """Yield what is no code, and every argument that would have to be put into words."""
    code, *others = call.args
    codes = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
    for one in [*codes, *others]:
        is_code = isinstance(one, ast.Constant) and CODE.match(str(one.value))
        if one in others or not is_code:
            yield ast.unparse(one)
