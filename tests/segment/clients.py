"""The published clients of Segment's API, each in a throw-away environment, and a small program that uses it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS_TO_INSTALL = 180
SECONDS_TO_SEND = 60

_PYTHON = """
import sys
from {module} import Client

failures = []
key, host, user = sys.argv[1:]
client = Client(key, host=host, gzip={gzip}, on_error=lambda error, items: failures.append(error))
client.identify(user, {{"email": user + "@example.com", "name": "Ada"}})
client.track(user, "Pricing Viewed", {{"plan": "team", "deep": {{"er": {{"still": [1, 2]}}}}}})
client.page(user, "Docs", "Pricing", {{"path": "/pricing"}})
client.screen(user, "App", "Start", {{}})
client.group(user, "acme", {{"name": "Acme"}})
client.track(user, "Demo Request")
client.flush()
client.join()
sys.exit(str(failures) if failures else 0)
"""
_CALLS_IN_NODE = """
  client.identify({ userId: user, traits: { email: user + "@example.com", name: "Ada" } });
  const properties = { plan: "team", deep: { er: { still: [1, 2] } } };
  client.track({ userId: user, event: "Pricing Viewed", properties });
  client.page({ userId: user, category: "Docs", name: "Pricing", properties: { path: "/pricing" } });
  client.screen({ userId: user, category: "App", name: "Start", properties: {} });
  client.group({ userId: user, groupId: "acme", traits: { name: "Acme" } });
  client.track({ userId: user, event: "Demo Request" });
"""
_ANALYTICS_IN_NODE = (
    """
const { Analytics } = require("PACKAGE");
const [key, host, user] = process.argv.slice(2);
(async () => {
  const client = new Analytics({ writeKey: key, host });
  client.on("error", (error) => { console.error(error); process.exitCode = 1; });
"""
    + _CALLS_IN_NODE
    + """
  await client.closeAndFlush();
})();
"""
)
_ANALYTICS_NODE_6 = (
    """
const Analytics = require("analytics-node");
const [key, host, user] = process.argv.slice(2);
(async () => {
  const client = new Analytics(key, { host, flushAt: 20 });
"""
    + _CALLS_IN_NODE
    + """
  await client.flush();
})().catch((error) => { console.error(error); process.exitCode = 1; });
"""
)
_DITTOFEED_IN_NODE = (
    """
const { DittofeedSdk: client } = require("@dittofeed/sdk-node");
const [key, host, user] = process.argv.slice(2);
(async () => {
  await client.init({ writeKey: key, host });
"""
    + "".join(line for line in _CALLS_IN_NODE.splitlines(keepends=True) if "group" not in line)
    + """
  await client.flush();
})().catch((error) => { console.error(error); process.exitCode = 1; });
"""
)
_JITSU_IN_NODE = """
const { jitsuAnalytics } = require("@jitsu/js");
const [key, host, user] = process.argv.slice(2);
(async () => {
  const client = jitsuAnalytics({ writeKey: key + ":-", host });
  await client.identify(user, { email: user + "@example.com", name: "Ada" });
  await client.track("Pricing Viewed", { plan: "team", deep: { er: { still: [1, 2] } } });
  await client.page({ name: "Pricing", path: "/pricing" });
  await client.group("acme", { name: "Acme" });
  await client.track("Demo Request");
})().catch((error) => { console.error(error); process.exitCode = 1; });
"""
_RUDDERSTACK_IN_NODE = (
    """
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");
const [key, host, user] = process.argv.slice(2);
(async () => {
  const client = new RudderAnalytics(key, { dataPlaneUrl: host, flushAt: 20, flushInterval: 60000 });
"""
    + _CALLS_IN_NODE
    + """
  await client.flush();
})().catch((error) => { console.error(error); process.exitCode = 1; });
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedClient:
    """A client as its authors publish it, and a program for it."""

    package: str
    program: str
    runtime: str = "python"
    beside: tuple[str, ...] = ()  # what it needs and does not say
    without: str = ""  # the event type it has no call for

    def installed_in(self, directory: Path) -> list[str]:
        """Install the client and return the command that runs its program; skip the test if it cannot be had."""
        directory.mkdir()
        (directory / "package.json").write_text("{}")
        program = directory / ("program.py" if self.runtime == "python" else "program.js")
        program.write_text(self.program)
        return self._with_pip(directory, program) if self.runtime == "python" else self._with_npm(directory, program)

    def _with_pip(self, directory: Path, program: Path) -> list[str]:
        python = directory / "venv" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", str(directory / "venv")], check=True)
        self._install([str(python), "-m", "pip", "install", "--quiet", "--no-input", self.package], directory)
        return [str(python), str(program)]

    def _with_npm(self, directory: Path, program: Path) -> list[str]:
        npm, node = shutil.which("npm"), shutil.which("node")
        if not npm or not node:
            pytest.skip("needs node and npm")
        self._install(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", self.package, *self.beside], directory
        )
        return [node, str(program)]

    def _install(self, command: list[str], directory: Path) -> None:
        try:
            done = subprocess.run(
                command, cwd=directory, capture_output=True, text=True, timeout=SECONDS_TO_INSTALL, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{self.package} cannot be installed: no answer within {SECONDS_TO_INSTALL} s")
        if done.returncode:
            pytest.skip(f"{self.package} cannot be installed: {done.stderr.strip()[-300:]}")


def _python(package: str, module: str, *, gzip: str) -> PublishedClient:
    return PublishedClient(package=package, program=_PYTHON.format(module=module, gzip=gzip))


def _node(package: str, program: str, *, beside: tuple[str, ...] = (), without: str = "") -> PublishedClient:
    return PublishedClient(package=package, program=program, runtime="node", beside=beside, without=without)


PUBLISHED = [
    _python("segment-analytics-python==2.4.0", "segment.analytics", gzip="True"),
    _python("segment-analytics-python==2.3.3", "segment.analytics", gzip="False"),
    _python("analytics-python==1.4.post1", "analytics", gzip="False"),
    _python("rudder-sdk-python==2.1.9", "rudderstack.analytics", gzip="True"),
    _node("@segment/analytics-node@3.1.0", _ANALYTICS_IN_NODE.replace("PACKAGE", "@segment/analytics-node")),
    _node(
        "@customerio/cdp-analytics-node@0.5.9", _ANALYTICS_IN_NODE.replace("PACKAGE", "@customerio/cdp-analytics-node")
    ),
    _node("analytics-node@6.2.0", _ANALYTICS_NODE_6),
    _node("@rudderstack/rudder-sdk-node@3.0.0", _RUDDERSTACK_IN_NODE, beside=("tslib@2",)),
    _node("@dittofeed/sdk-node@0.1.2", _DITTOFEED_IN_NODE, without="group"),
    _node("@jitsu/js@1.11.0", _JITSU_IN_NODE, without="screen_view"),
]
