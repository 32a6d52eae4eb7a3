"""The service, run for real: signals, catching up, a killed process, and what systemd and the log are told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
import smtp
from loopback import Loopback, Reply
from structlog.testing import capture_logs

from monitor import config, health, pipeline, service, store
from monitor.deliver import Mail
from monitor.errors import ConfigError, StoreError
from monitor.parse.worker import Parser
from monitor.service import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from monitor.models import Delivery

INSTALLED = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
"""Before the time of that day's digest."""
LATER = INSTALLED + timedelta(days=1, hours=7)
PATIENCE = 30


def feed(*titles: str, at: datetime = INSTALLED) -> Reply:
    items = "".join(
        f"<item><title>{title}</title><link>https://news.example/{number}</link><guid>{number}</guid>"
        f"<description>OpenAI's Sora video generator, and what film studios say.</description>"
        f"<pubDate>{format_datetime(at)}</pubDate></item>"
        for number, title in enumerate(titles)
    )
    return Reply(f'<rss version="2.0"><channel><title>Outlet</title>{items}</channel></rss>'.encode())


class Home:
    """A configuration directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, *feeds: str, mail_port: int = 0, more: str = "") -> None:
        email = ""
        if mail_port:
            email = (
                f'[email]\nhost = "127.0.0.1"\nport = {mail_port}\ntls = "none"\n'
                'from = "monitor@example.org"\nto = ["reader@example.org"]\n'
            )
        self.put(
            "monitor.toml",
            'timezone = "UTC"\n[poll]\nallow_private_addresses = true\n[stories]\nsemantic = false\n'
            f"{email}{more}",
        )
        self.put("feeds.toml", "".join(f'[[feed]]\nurl = "{url}"\n' for url in feeds))

    def put(self, name: str, content: str) -> None:
        (self.directory / name).write_text(content, "utf-8")

    def load(self) -> config.Config:
        return config.load(self.directory)

    @contextlib.contextmanager
    def opened(self):
        with store.open(self.load().database, read_only=True) as opened:
            yield opened


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    async def expect(self, beginning: str) -> str:
        """Wait for a message that begins like this; discard those before it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = (await asyncio.get_running_loop().sock_recv(self._socket, 1000)).decode()
                if message.startswith(beginning):
                    return message


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def systemd(tmp_path):
    other_end = Systemd(tmp_path / "notify")
    yield other_end
    other_end.close()


@contextlib.asynccontextmanager
async def serving(
    home: Home, systemd: Systemd, now: datetime = INSTALLED, **environ: Any
) -> AsyncIterator[asyncio.Task[None]]:
    """Run the service in this process until the block ends; then it must stop as expected."""
    environ["NOTIFY_SOCKET"] = systemd.address
    task = asyncio.create_task(service.run(home.load, clock=lambda: now, environ=environ))
    ready = asyncio.create_task(systemd.expect("READY=1"))
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        ready.cancel()
        await task
    yield task
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 10)


@contextlib.asynccontextmanager
async def process(home: Home, now: datetime) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service in a process of its own, which is killed at the end if it is still running."""
    options = ["--config", str(home.directory), "--now", now.isoformat()]
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", *options, "run", stderr=asyncio.subprocess.PIPE
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.communicate()


async def ended(home: Home, before: str, sign: bytes) -> int:
    """Run the service in a process after the code `before`, stop it at a sign in its log; return its exit
    code.
    """
    script = (
        "import sys, threading, time\n"
        "from datetime import timedelta\n"
        "from monitor import pipeline\n"
        "from monitor.__main__ import main\n"
        "from monitor.service import serve\n"
        "serve._LAST_MOMENT = timedelta(seconds=0.5)\n"
        f"{before}"
        "sys.argv[1:] = ['--config', sys.argv[1], 'run']\n"
        "main()\n"
    )
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(home.directory), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        while sign not in await running.stderr.readline():
            pass
        running.terminate()
        await running.communicate()
    return running.returncode


async def install(home: Home, systemd: Systemd) -> None:
    """Let the service poll once on the day of its installation."""
    async with serving(home, systemd):
        await systemd.expect("STATUS=1 of 1")


async def test_a_digest_that_was_missed_is_made_once_at_the_next_start(home, systemd):
    later = LATER + timedelta(days=1)
    async with Loopback() as web, smtp.inbox() as box:
        web.on(
            "/feed",
            feed("Studios sue OpenAI over Sora"),
            feed("Studios sue OpenAI over Sora", "Sora in court", at=later),
        )
        home.write(web.url("/feed"), mail_port=box.port)
        await install(home, systemd)
        assert box.received == []
        for hours in (0, 1):
            async with serving(home, systemd, later + timedelta(hours=hours)):
                await asyncio.wait_for(box.arrived.wait(), PATIENCE)
        (mail,) = box.received
    assert "https://news.example/1" in mail.message.get_body(("plain",)).get_content()
    with home.opened() as opened:
        (digest,) = opened.digests.listing()
        assert {delivery.state for delivery in opened.deliveries.listing()} == {"sent"}
    assert digest.date == later.date()
    assert (home.directory / "digests" / f"{later.date()}.md").exists()


async def test_killed_between_sending_and_the_answer_the_same_message_goes_out_again(home, systemd):
    async with Loopback() as web, smtp.scripted(smtp.Script(hold=".")) as script:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"), mail_port=script.port)
        await install(home, systemd)
        async with process(home, LATER) as first:
            await asyncio.wait_for(script.reached.wait(), PATIENCE)
            first.kill()
            assert await first.wait() == -signal.SIGKILL
        assert _states(home)["email"] == "sending"
        script.hold = ""
        async with serving(home, systemd, LATER + timedelta(minutes=1)):
            await until(lambda: len(script.received) == 2)
    once, again = script.received
    assert once.content == again.content
    with home.opened() as opened:
        assert len(opened.digests.listing()) == 1
        (mail,) = [one for one in opened.deliveries.listing() if one.channel == "email"]
    assert (mail.state, mail.attempts, mail.message_id) == ("sent", 2, once.message["Message-ID"])


async def test_one_that_dies_of_its_first_poll_each_time_comes_to_its_digest(home, systemd):
    async with Loopback() as web:
        web.on("/feed", feed("Studios sue OpenAI over Sora"), Reply(stall_headers=True))
        home.write(web.url("/feed"))
        home.put(
            "monitor.toml",
            (home.directory / "monitor.toml").read_text().replace("[poll]", '[poll]\ntimeout = "5m"'),
        )
        await install(home, systemd)
        async with process(home, LATER) as first:
            await until(lambda: len(web.requests) == 2)
            first.kill()
            await first.wait()
        with home.opened() as opened:
            assert opened.digests.listing() == (), "it waits for the news of the time when nobody polled"
        async with serving(home, systemd, LATER + timedelta(minutes=1)):
            await until(lambda: _states(home) != {})
    with home.opened() as opened:
        (digest,) = opened.digests.listing()
    assert digest.date == LATER.date()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_stops_at_once_in_the_middle_of_a_poll(home, number):
    async with Loopback() as web:
        web.on("/feed", Reply(stall_headers=True))
        home.write(web.url("/feed"))
        async with process(home, INSTALLED) as running:
            await asyncio.wait_for(web.wait_for(1), PATIENCE)
            asked = time.monotonic()
            running.send_signal(number)
            assert await asyncio.wait_for(running.wait(), 10) == 0
            assert time.monotonic() - asked < 5
    with home.opened() as opened:
        assert opened.polls.last() is None


async def test_a_stop_waits_for_deliveries_alone(home, systemd, monkeypatch):
    """It does not wait for a first poll that will never end now, nor for clustering."""
    monkeypatch.setattr(serve, "_DELIVERY_GRACE", timedelta(minutes=5))
    async with Loopback() as web:
        web.on("/feed", Reply(stall_headers=True))
        home.write(web.url("/feed"))
        async with serving(home, systemd):
            await asyncio.wait_for(web.wait_for(1), PATIENCE)
    with home.opened() as opened:
        assert opened.polls.last() is None, "it was cut off"

    gathers, cut_off = asyncio.Event(), asyncio.Event()

    async def gather(*_: object, **__: Any) -> None:
        gathers.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut_off.set()
            raise

    monkeypatch.setattr(serve, "cluster_entries", gather)
    home.write()
    async with serving(home, systemd):
        await asyncio.wait_for(gathers.wait(), PATIENCE)
        assert not cut_off.is_set()
    assert cut_off.is_set()


async def test_a_process_ends_even_if_a_thread_of_it_hangs(home):
    """A look-up with a dead name server blocks a thread that nobody can cancel."""
    home.write()
    hanging = "threading.Thread(target=time.sleep, args=[600]).start()\n"
    assert await ended(home, hanging, b"started") == 0


async def test_a_mail_that_hangs_is_left_to_the_next_start(home, systemd, monkeypatch):
    monkeypatch.setattr(serve, "_DELIVERY_GRACE", timedelta(seconds=0.1))
    async with Loopback() as web, smtp.scripted(smtp.Script(hold=".")) as script:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"), mail_port=script.port)
        await install(home, systemd)
        async with serving(home, systemd, LATER):
            await asyncio.wait_for(script.reached.wait(), PATIENCE)
    states = _states(home)
    assert (states["files"], states["email"]) == ("sent", "sending")


async def test_the_second_service_on_a_data_directory_is_refused(home, systemd):
    async with Loopback() as web:
        web.on("/feed", feed())
        home.write(web.url("/feed"))
        async with serving(home, systemd), process(home, INSTALLED) as second:
            _, errors = await asyncio.wait_for(second.communicate(), PATIENCE)
            assert second.returncode == 1
            assert b"another monitor is at work" in errors


async def test_a_bad_configuration_is_refused_and_the_old_one_kept(home, systemd):
    async with Loopback() as web:
        web.on("/one", feed())
        web.on("/two", feed())
        home.write(web.url("/one"))
        with capture_logs() as logs:
            async with serving(home, systemd):
                await systemd.expect("STATUS=1 of 1")
                home.write(web.url("/one"), web.url("/two"), more="[digest]\ntime = 25\nfoo = 1\n")
                os.kill(os.getpid(), signal.SIGHUP)
                await systemd.expect("RELOADING=1")
                assert await systemd.expect("READY=1") == "READY=1\nSTATUS=1 feed"
                refused = [line["fault"] for line in logs if "refused" in line["event"]]
                assert [fault.split(": ")[1] for fault in refused] == [
                    "digest.time",
                    "digest.foo",
                ]
                assert web.seen("/two") == []
                home.write(web.url("/one"), web.url("/two"))
                os.kill(os.getpid(), signal.SIGHUP)
                assert await systemd.expect("READY=1") == "READY=1\nSTATUS=2 feeds"
                await systemd.expect("STATUS=1 of 1")
                assert len(web.seen("/two")) == 1


async def test_a_reload_does_not_wait_for_a_poll_that_hangs(home, systemd):
    async with Loopback() as web:
        web.on("/slow", Reply(stall_headers=True))
        web.on("/two", feed())
        home.write(web.url("/slow"))
        async with serving(home, systemd):
            await asyncio.wait_for(web.wait_for(1), PATIENCE)
            home.write(web.url("/two"))
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(10):
                await systemd.expect("STATUS=1 of 1")
            assert len(web.seen("/two")) == 1


async def test_the_data_directory_does_not_change_under_a_running_service(home, systemd):
    home.write()
    with capture_logs() as logs:
        async with serving(home, systemd):
            home.put("monitor.toml", 'data_dir = "elsewhere"\n')
            os.kill(os.getpid(), signal.SIGHUP)
            await systemd.expect("READY=1")
    assert [line["fault"] for line in logs if "refused" in line["event"]] == [
        "monitor.toml: data_dir: changes with a restart only"
    ]
    assert not (home.directory / "elsewhere").exists()


async def test_without_its_password_it_does_not_start(home):
    home.write(mail_port=25)
    content = (home.directory / "monitor.toml").read_text()
    home.put("monitor.toml", f'{content}username = "me"\npassword_env = "NOT_SET_ANYWHERE"\n')
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE is not set"):
        await service.run(home.load, clock=lambda: INSTALLED)


async def test_a_bug_in_one_run_stops_neither_the_service_nor_the_other_run(home, systemd, monkeypatch):
    async def broken(*_: object, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(pipeline, "publish", broken)
    async with Loopback() as web:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"))
        with capture_logs() as logs:
            async with serving(home, systemd) as task:
                await systemd.expect("STATUS=1 of 1")
                await until(lambda: any(line.get("exc_info") for line in logs))
                assert not task.done()
    with home.opened() as opened:
        assert health.troubles(opened) == {"publish": "RuntimeError: a bug"}
        assert opened.polls.last().ok == 1
    monkeypatch.undo()
    async with Loopback() as web, serving(home, systemd):
        await until(lambda: not _troubles(home))


async def test_a_delivery_that_met_a_bug_waits_and_harms_no_other(home, systemd, monkeypatch):
    async def broken(channel: Mail, delivery: Delivery) -> None:
        raise RuntimeError("a bug")

    async with Loopback() as web, smtp.inbox() as box:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"), mail_port=box.port)
        await install(home, systemd)
        with monkeypatch.context() as patch:
            patch.setattr(Mail, "send", broken)
            async with serving(home, systemd, LATER):
                await until(lambda: _states(home).get("email") == "pending")
        with home.opened() as opened:
            (mail,) = [one for one in opened.deliveries.listing() if one.channel == "email"]
            assert "internal error: RuntimeError at test_service_serve.py" in mail.last_error
            assert health.troubles(opened) == {}
        assert _states(home) == {"files": "sent", "archive": "sent", "email": "pending"}
        async with serving(home, systemd, LATER + timedelta(hours=1)):
            await asyncio.wait_for(box.arrived.wait(), PATIENCE)
    assert len(box.received) == 1


async def test_the_log_has_one_line_a_poll_a_digest_and_a_delivery(home, systemd):
    async with Loopback() as web, smtp.scripted(smtp.Script(replies={"RCPT": "450 busy"})) as script:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"), mail_port=script.port)
        await install(home, systemd)
        with capture_logs() as logs:
            async with serving(home, systemd, LATER):
                await until(lambda: any(line["event"] == "delivery pending" for line in logs))
    events = [line["event"] for line in logs]
    assert events[0] == "started"
    assert events[-2:] == ["stopping", "stopped"]
    assert events.count("polled") == events.count("digest made") == 1
    polled = next(line for line in logs if line["event"] == "polled")
    assert (polled["feeds"], polled["ok"], polled["failed"]) == (1, 1, 0)
    digest = next(line for line in logs if line["event"] == "digest made")
    assert (digest["date"], digest["holds"]) == ("2026-11-21", "1 story, 1 new report, 1 source")
    (waiting,) = [line for line in logs if line["event"] == "delivery pending"]
    assert waiting["log_level"] == "warning"
    assert waiting["recipients"] == ["reader@example.org"]
    assert polled["message"] == "polled 1 feed: 1 ok, 0 failing, 0 new entries"
    assert digest["message"].startswith(
        "digest of 2026-11-21 made: 1 story, 1 new report, 1 source; next digest Sun"
    )
    assert waiting["message"].startswith(
        "digest of 2026-11-21: email to reader@example.org: pending (refused"
    )
    assert "; next try 2026-11-21 12:0" in waiting["message"]
    assert "450 busy" in waiting["reason"]


@pytest.mark.parametrize("status", [200, 503])
async def test_a_health_check_is_pinged_after_a_poll_and_its_address_is_not_logged(
    home, systemd, monkeypatch, status
):
    async with Loopback() as web:
        web.on("/feed", feed())
        web.on("/ping/s3cr3t", Reply(status=status))
        monkeypatch.setenv("PING_URL", web.url("/ping/s3cr3t"))
        home.write(web.url("/feed"), more='[service]\nping_url_env = "PING_URL"\n')
        with capture_logs() as logs:
            async with serving(home, systemd):
                await until(lambda: web.seen("/ping/s3cr3t"))
                await until(lambda: status == 200 or any("health" in line["event"] for line in logs))
    assert "s3cr3t" not in repr(logs)


async def test_the_health_check_hears_of_failure_while_mail_does_not_get_through(home, systemd, monkeypatch):
    script = smtp.Script(extensions=("AUTH PLAIN",), users={"me": "right"})
    async with Loopback() as web, smtp.scripted(script):
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        web.on("/ping", Reply(status=200))
        web.on("/ping/fail", Reply(status=200))
        monkeypatch.setenv("PING_URL", web.url("/ping"))
        monkeypatch.setenv("PASSWORD", "wrong")
        home.write(web.url("/feed"), mail_port=script.port)
        account = 'username = "me"\npassword_env = "PASSWORD"\n[service]\nping_url_env = "PING_URL"\n'
        home.put("monitor.toml", (home.directory / "monitor.toml").read_text() + account)
        async with serving(home, systemd):
            await until(lambda: web.seen("/ping"))
        async with serving(home, systemd, LATER):
            await until(lambda: web.seen("/ping/fail"))
        assert len(web.seen("/ping")) == 1
        monkeypatch.setenv("PASSWORD", "right")
        async with serving(home, systemd, LATER + timedelta(days=1)):
            await until(lambda: len(web.seen("/ping")) == 2)
    assert len(script.received) == 2


async def test_while_nothing_is_due_the_reading_process_may_end(home, systemd, monkeypatch):
    rest, left = Parser.rest, asyncio.Queue[object]()

    async def rest_at_once(parser: Parser) -> None:
        await rest(parser, timedelta(0))
        left.put_nowait(parser._worker)

    monkeypatch.setattr(serve, "TICK", timedelta(seconds=0.1))
    monkeypatch.setattr(Parser, "rest", rest_at_once)
    async with Loopback() as web:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"))
        async with serving(home, systemd):
            await systemd.expect("STATUS=1 of 1")
            assert await asyncio.wait_for(left.get(), PATIENCE) is None


async def test_a_database_that_was_deleted_is_written_again_and_nothing_is_lost(home, systemd, monkeypatch):
    monkeypatch.setattr(serve, "TICK", timedelta(seconds=0.1))
    async with Loopback() as web:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"))
        with capture_logs() as logs:
            async with serving(home, systemd):
                await systemd.expect("STATUS=1 of 1")
                for file in (home.directory / "data").glob("monitor.db*"):
                    file.unlink()
                await until(lambda: any(line["event"] == "database" for line in logs))
                with home.opened() as opened:
                    assert [entry.title for entry in opened.entries.listing()] == [
                        "Studios sue OpenAI over Sora"
                    ]
    (line,) = [line for line in logs if line["event"] == "database"]
    assert (line["log_level"], "nothing is lost" in line["message"]) == ("error", True)


async def test_a_database_that_was_replaced_is_used_from_then_on(home, systemd, monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "TICK", timedelta(seconds=0.1))
    other = tmp_path / "other.db"
    store.open(other).close()
    async with Loopback() as web:
        web.on("/feed", feed("Studios sue OpenAI over Sora"))
        home.write(web.url("/feed"))
        async with serving(home, systemd):
            await systemd.expect("STATUS=1 of 1")
            for file in (home.directory / "data").glob("monitor.db-*"):
                file.unlink()
            other.replace(home.directory / "data" / "monitor.db")
            await systemd.expect("STATUS=1 of 1")
            assert len(web.seen("/feed")) == 2


async def test_sigterm_ends_the_process_while_the_loop_is_busy(home):
    """A page with thousands of new entries once blocked the loop for a minute."""
    home.write()
    busy = (
        "def busy(*_, **__):\n"
        "    print('busy', file=sys.stderr, flush=True)\n"
        "    until = time.monotonic() + 100\n"
        "    while time.monotonic() < until: pass\n"
        "pipeline.due_feeds = busy\n"
    )
    assert await ended(home, busy, b"busy") == 0


async def test_the_watchdog_is_fed_while_the_loop_ticks_and_no_longer(home, systemd, monkeypatch):
    home.write()
    async with serving(home, systemd, WATCHDOG_USEC="100000"):
        await systemd.expect("WATCHDOG=1")
        await systemd.expect("WATCHDOG=1")
        monkeypatch.setattr(serve, "_STUCK_AFTER", timedelta(seconds=-1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(starved(systemd), 1)


async def starved(systemd: Systemd) -> None:
    """Return after the watchdog was notified twice, as the first notice may have been on its way already."""
    await systemd.expect("WATCHDOG=1")
    await systemd.expect("WATCHDOG=1")


async def test_without_a_database_it_does_not_start(home):
    home.write()
    (home.directory / "data").mkdir()
    (home.directory / "data" / "monitor.db").write_text("a text where the database should be")
    with pytest.raises(StoreError):
        await service.run(home.load, clock=lambda: INSTALLED)


async def until(holds) -> None:
    """Wait for something that only the service's own task can bring about."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


def _states(home: Home) -> dict[str, str]:
    with home.opened() as opened:
        return {delivery.channel: delivery.state for delivery in opened.deliveries.listing()}


def _troubles(home: Home) -> dict[str, str]:
    with home.opened() as opened:
        return health.troubles(opened)


async def test_deliveries_that_wait_for_the_user_are_tried_at_a_start_and_then_when_due(home, monkeypatch):
    """Each tick publishes: if each one tried a refused log-in again, the account would be locked."""
    home.write("https://outlet.example/feed")
    tried = []

    async def publish(*_: object, blocked: bool, **__: Any) -> list[Delivery]:
        tried.append(blocked)
        return []

    monkeypatch.setattr(pipeline, "publish", publish)
    setup = serve._Setup.of(home.load())
    running = serve._Service(setup, clock=lambda: INSTALLED, systemd=serve.Systemd())
    try:
        for _ in range(3):
            await running._publish_due()
    finally:
        running.close()
    assert tried == [True, False, False]
