"""The kiosk's own browser with the policy that it is installed with: nobody gets out of the pages.

Chromium reads its policy from /etc alone, so it is started in a mount namespace of its own in which
our file lies there. Keys that the window itself takes (Ctrl-T, Alt-F4, F11) never reach a browser
without a window, and what drives it here takes downloads, printing and file dialogs into its own
hand: these stand on the acceptance sheet (`docs/install.md`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.chromium import ARGUMENTS, CHROMIUM

POLICY = Path(__file__).resolve().parents[2] / "firmware_configs/chromium/anxin-kiosk.json"
WRAPPER = """#!/bin/sh
exec unshare --mount --propagation private sh -c '
mkdir -p /etc/chromium/policies/managed &&
mount --bind "$0" /etc/chromium/policies/managed && exec {chromium} "$@"' {policies} "$@"
"""
HOME = b"<!doctype html><title>kiosk</title><p>words</p>"
BLOCKED = "ERR_BLOCKED_BY_ADMINISTRATOR"
LOOKED_AT = {"DeveloperToolsAvailability": 1}
"""What drives the browser here are its developer tools, so all other tests must allow them."""


class Server(ThreadingHTTPServer):
    """Says nothing of a browser that goes while it is answered."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Site(BaseHTTPRequestHandler):
    """A page that is allowed."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOME)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def site():
    server = Server(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def browser_with(folder: Path, policy: dict[str, object]) -> str:
    """Write a Chromium that finds this policy in /etc; return its path."""
    policies = folder / "managed"
    policies.mkdir()
    (policies / "policy.json").write_text(json.dumps(policy))
    wrapper = folder / "chromium"
    wrapper.write_text(WRAPPER.format(chromium=CHROMIUM, policies=policies))
    wrapper.chmod(0o755)
    return str(wrapper)


def can_mount() -> bool:
    words = ["unshare", "--mount", "--propagation", "private", "mount", "--bind", "/tmp", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(words, check=False).returncode == 0


@pytest.fixture(scope="module")
def kiosk(playwright, tmp_path_factory, site):
    """A page in the kiosk's browser, on the allowed site."""
    if not can_mount():
        pytest.skip("NOT TESTED: the policy can be put in place by root only")
    policy = json.loads(POLICY.read_text()) | LOOKED_AT | {"URLAllowlist": [site]}
    chromium = browser_with(tmp_path_factory.mktemp("kiosk"), policy)
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def page(kiosk: Browser, site):
    context = kiosk.new_context()
    page = context.new_page()
    page.goto(site)
    yield page
    context.close()


def refused(page: Page, address: str) -> bool:
    """Whether the browser will not show an address: its own refusal, or the page that was there."""
    before = page.url
    try:
        page.goto(address)
    except Error as error:
        return BLOCKED in str(error) or page.url in {before, "chrome-error://chromewebdata/"}
    return False


ADDRESSES = ("file:///etc/passwd", "file:///", "view-source:{site}", "chrome://settings",
             "chrome://version", "chrome://inspect", "chrome://policy", "devtools://devtools",
             "data:text/html,out", "http://localhost:{port}/", "http://127.0.0.2:{port}/",
             "https://example.invalid/", "ftp://127.0.0.1/",
             "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x.html")  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_leads_out_of_the_pages(page, site, address):
    """Files, sources, the browser's own pages and every other site stay shut."""
    port = site.rpartition(":")[2]
    assert refused(page, address.format(site=site, port=port))


def test_without_the_policy_the_same_addresses_open(chromium, site):
    """The control: the question can be answered otherwise."""
    page = chromium.new_page()
    for address in ("file:///etc/passwd", "data:text/html,out", "chrome://version"):
        assert not refused(page, address)
    page.close()


def test_the_developer_tools_are_shut(playwright, kiosk, tmp_path_factory, site):
    """With the file as it is delivered, the tools that drive the browser in these tests get no page
    to look into.
    """
    chromium = browser_with(tmp_path_factory.mktemp("shut"), json.loads(POLICY.read_text()))
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    with pytest.raises(Error):
        browser.new_page()
    browser.close()


def test_devices_and_permissions_are_the_services_not_the_pages(page):
    """Camera, microphone, position and notifications are refused without a question; there is no
    USB, serial line or HID device to be had.
    """
    said = page.evaluate(
        """async () => {
          const no = async (ask) => {
            try { await ask(); return "yes" } catch (e) { return e.name }
          };
          const media = navigator.mediaDevices;
          return {
            camera: await no(() => media.getUserMedia({video: true})),
            sound: await no(() => media.getUserMedia({audio: true})),
            screen: await no(() => media.getDisplayMedia()),
            place: await no(() => new Promise((y, n) => navigator.geolocation.getCurrentPosition(y,
              (e) => n({name: String(e.code)}), {timeout: 3000}))),
            notice: await Notification.requestPermission(),
            usb: await no(() => navigator.usb.requestDevice({filters: []})),
            serial: await no(() => navigator.serial.requestPort()),
            hid: await no(() => navigator.hid.requestDevice({filters: []}).then((l) => {
              if (!l.length) throw {name: "none"} })),
          }
        }"""
    )
    assert "yes" not in said.values(), said
    assert said["notice"] == "denied"
    assert said["camera"] in {"NotAllowedError", "NotFoundError"}


def test_the_policy_names_only_what_this_browser_knows(playwright, kiosk, tmp_path_factory):
    """Chromium reads every key of the file without a complaint, so none is a slip of the pen."""
    written = json.loads(POLICY.read_text())
    policy = written | LOOKED_AT | {"URLBlocklist": [], "URLAllowlist": []}
    chromium = browser_with(tmp_path_factory.mktemp("read"), policy)
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    page = browser.new_page()
    page.goto("chrome://policy")
    # The page draws its rows when the browser has told it of them.
    said = page.wait_for_function(
        """(least) => {
          const out = []; const walk = (n) => { if (n.shadowRoot) walk(n.shadowRoot);
            for (const c of n.children || []) walk(c);
            if (n.tagName === 'POLICY-ROW') out.push(n.shadowRoot.textContent
              .replace(/\\s+/g, ' ')) };
          walk(document.body);
          return out.filter((row) => row.trim()).length >= least && out }""",
        arg=len(policy),
    ).json_value()
    browser.close()
    rows = {row.split()[0]: row for row in said if row.split()}
    assert len(rows) >= len(policy), "the page of policies looks different"
    wrong = {key: rows.get(key) for key in written if "Mandatory OK" not in rows.get(key, "")}
    assert not wrong
