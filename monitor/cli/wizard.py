"""`setup`: six questions, and a monitor that is configured, tried and started automatically.

Asks on a terminal; with `--yes` flags and defaults answer. What is there is never overwritten.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from monitor import setting_kinds, values
from monitor.cli.asking import Questions
from monitor.cli.output import say, show
from monitor.cli.session import Session, UsageError, session
from monitor.cli.setup import check_online, refusal, send_test
from monitor.disk import replacing
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.config import Config
    from monitor.config.setup import Account

PASSWORD_FILE: Final = "smtp-password"  # noqa: S105 - the name of a file
_ENV: Final = "MONITOR_SMTP_PASSWORD"
_TLS: Final = ("starttls", "tls", "none")
_TLS_FROM_THE_START: Final = 465  # RFC 8314
_STARTTLS: Final = 587
_SERVICES: Final = ("systemd", "launchd", "cron", "none")
# Servers for outgoing mail that cannot be guessed from the address; all take STARTTLS on port 587.
_SERVERS: Final = {
    "gmail.com": "smtp.gmail.com",
    "googlemail.com": "smtp.gmail.com",
    "gmx.de": "mail.gmx.net",
    "gmx.net": "mail.gmx.net",
    "gmx.at": "mail.gmx.net",
    "web.de": "smtp.web.de",
    "posteo.de": "posteo.de",
    "mailbox.org": "smtp.mailbox.org",
    "t-online.de": "securesmtp.t-online.de",
    "fastmail.com": "smtp.fastmail.com",
    "icloud.com": "smtp.mail.me.com",
}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(setup)


Language = Annotated[
    str | None, typer.Option(help="Language of the digest, such as en or de.", metavar="CODE")
]
Zone = Annotated[
    str | None, typer.Option(help="Time zone of schedule and dates, such as Europe/Berlin.", metavar="ZONE")
]
Hour = Annotated[
    str | None, typer.Option("--time", help="When the digest is due, such as 07:00.", metavar="HH:MM")
]
MailTo = Annotated[
    str | None,
    typer.Option(help="Who gets the digest by mail; without it, only files are written.", metavar="ADDRESS"),
]
Host = Annotated[str | None, typer.Option(help="The server for outgoing mail.", metavar="HOST")]
Port = Annotated[
    int | None,
    typer.Option(help="Its port; 465 with --tls tls, else 587.", min=1, max=65535, metavar="PORT"),
]
Tls = Annotated[
    str | None,
    typer.Option(help="starttls, tls or none; default: tls with port 465, else starttls.", metavar="HOW"),
]
Username = Annotated[str | None, typer.Option(help="The account on that server; - for none.", metavar="NAME")]
Sender = Annotated[str | None, typer.Option("--from", help="Who the mail comes from.", metavar="ADDRESS")]
PasswordFile = Annotated[str | None, typer.Option(help="A file that holds the password.", metavar="FILE")]
Follow = Annotated[
    str | None,
    typer.Option(help="Groups of feeds, separated by commas, or none; default: all.", metavar="GROUPS"),
]
Start = Annotated[
    str | None,
    typer.Option(help="systemd, launchd, cron or none; alone: for an existing configuration.", metavar="HOW"),
]
TestMail = Annotated[
    bool, typer.Option("--test-mail", help="Send a test mail; alone: with the existing configuration.")
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Try neither feeds nor account.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: take the flags, and defaults for the rest.")
]


def setup(
    context: typer.Context,
    yes: Yes = False,
    language: Language = None,
    timezone: Zone = None,
    hour: Hour = None,
    mail_to: MailTo = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    username: Username = None,
    sender: Sender = None,
    password_file: PasswordFile = None,
    follow: Follow = None,
    service: Start = None,
    test_mail: TestMail = False,
    no_check: NoCheck = False,
) -> None:
    """Ask six questions, write a configuration, try feeds and mail, and offer to start automatically.

    Example: monitor setup --yes --language de --follow unions,courts --no-check
    """
    from monitor import config, languages
    from monitor.config.setup import Answers, write

    current = session(context)
    directory, ask = current.directory, Questions(silent=yes)
    of_mail = {"host": host, "port": port, "tls": tls, "username": username, "from": sender}
    of_mail["password-file"] = password_file
    others = (language, timezone, hour, mail_to, follow, *of_mail.values())
    is_there = (directory / config.FILES[0]).exists()
    if is_there and (service or test_mail) and all(flag is None for flag in others):
        _of_what_is_there(ask, current, service=service, test_mail=test_mail)
        return
    _refuse(directory, service=service, tls=tls, follow=follow, silent=yes)
    for flag, value in {**of_mail, "test-mail": test_mail}.items():
        if yes and value and not mail_to:
            raise UsageError(f"--{flag} needs --mail-to: without it there is no mail")

    ask.tell(f"The configuration will be written to {directory}.", "Enter takes the answer in brackets.")
    codes = ", ".join(languages.AVAILABLE)
    spoken = ask.value(f"1 Language of the digest ({codes})", "language", language, _language(), _known)
    zone = ask.value("2 Time zone", "timezone", timezone, _timezone(), lambda text: values.zone(text).key)
    due = ask.value("3 When is the digest due", "time", hour, "07:00", _hour)
    recipient = ask.value(
        "4 Mail it to (empty: only files)",
        "mail-to",
        mail_to,
        "",
        lambda text: text and setting_kinds.MAILBOX.read(text),
    )
    account = _account(ask, recipient, of_mail, directory) if recipient else None
    if test_mail and not account:
        say("  no test mail, then: there is nobody to send it to")
    there = [name for name in config.FILES if (directory / name).exists() or (directory / name).is_symlink()]
    groups = _groups()
    if config.FILES[1] not in there:  # else that says what is followed
        if follow is None:
            ask.tell(f"{6 if account else 5} Groups of feeds: {', '.join(groups)}")
        groups = ask.value("  Which, with commas; all, or none", "follow", follow, "all", _chosen_groups)

    answers = Answers(language=spoken, timezone=zone, time=due, groups=groups, account=account)
    loaded = write(directory, answers)
    kept = {name: f"kept  {directory / name} (it was there)" for name in there}
    show(*(kept.get(name, f"wrote {directory / name}") for name in config.FILES))
    well = no_check or _tried(ask, current, loaded, account)
    # Without its password there is nothing to try.
    lacks = account and account.password_file == PASSWORD_FILE and not (directory / PASSWORD_FILE).exists()
    if account and (test_mail or (not (yes or lacks) and ask.whether("Send a test mail now?"))):
        well = asyncio.run(send_test(current, loaded)) and well
    _offer_service(ask, service, directory)
    program = current.program
    first = f"`{program} poll`" if groups else f"`{program} feeds add ADDRESS`, `{program} poll`"
    say(f"Next: {first}, then `{program} digest`; `monitor --help` has the rest.")
    if not well:
        raise typer.Exit(1)


def _of_what_is_there(ask: Questions, current: Session, *, service: str | None, test_mail: bool) -> None:
    """Do what can be asked of a configuration that is there: it stays as it is."""
    well = not test_mail or asyncio.run(send_test(current, current.config()))
    if service:
        _offer_service(ask, service, current.directory)
    if not well:
        raise typer.Exit(1)


def _refuse(
    directory: Path, *, service: str | None, tls: str | None, follow: str | None, silent: bool
) -> None:
    """Raise UsageError before the first question for what would make the answers worth nothing."""
    from monitor.config import FILES

    if (directory / FILES[0]).exists():
        raise UsageError(f"there is a configuration in {directory} already: edit it, or give --config DIR")
    if follow is not None and (directory / FILES[1]).exists():
        raise UsageError(
            f"there is a {FILES[1]} already, which stays: without --follow, or name groups in it"
        )
    for flag, given, names in (("service", service, _SERVICES), ("tls", tls, _TLS)):
        if given is not None and given not in names:
            raise UsageError(f"--{flag}: there is no {given!r}{values.likely(given, names)}")
    # A script that waits for an answer for ever is worse than one that fails.
    if not silent and not sys.stdin.isatty():
        raise UsageError("setup asks on a terminal; without one give --yes and flags")


def _language() -> str:
    from monitor import languages

    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return spoken[:2] if spoken[:2] in languages.AVAILABLE else "en"


def _known(text: str) -> str:
    from monitor import languages

    code = text.lower()
    if code not in languages.AVAILABLE:
        raise ValueError(f"there is no {text!r}{values.likely(code, languages.AVAILABLE)}")
    return code


def _timezone() -> str:
    """Guess the zone of this machine: TZ, else what /etc/localtime leads to, else the setting's default."""
    from monitor.config import General

    for guess in (os.environ.get("TZ", ""), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]):
        with suppress(ValueError):
            return values.zone(guess).key
    return General().timezone.key


def _groups() -> tuple[str, ...]:
    """Return the groups to choose from; the searches are off in any case, so nobody is asked about them."""
    from monitor.config import feedlist

    return tuple(group for group in feedlist.groups() if group != "search")


def _chosen_groups(text: str) -> tuple[str, ...]:
    from monitor.config import feedlist

    names = [name for name in re.split(r"[\s,]+", text.strip()) if name]
    if not names:
        raise ValueError("expected groups of feeds with commas between them, all, or none")
    if names in (["all"], ["none"]):
        return _groups() if names == ["all"] else ()
    for name in names:
        if name not in feedlist.groups():
            raise ValueError(f"there is no group {name!r}{values.likely(name, feedlist.groups())}")
    return tuple(names)


def _hour(text: str) -> time:
    # Nobody is asked again for having typed "7".
    return values.time_of_day(f"{text}:00" if text.isdecimal() else text)


def _server(text: str, port: int) -> tuple[str, int]:
    """Read "smtp.example.org" or "smtp.example.org:465"; an IPv6 address with a port stands in brackets."""
    name, colon, own = text.rpartition(":")
    if not colon or (":" in name and not name.endswith("]")):
        return values.host(text), port
    return values.host(name), int(setting_kinds.whole(1, 65535).read(int(own) if own.isdecimal() else own))


def _account(ask: Questions, to: str, flags: Mapping[str, Any], directory: Path) -> Account:
    """Ask for the account that mail goes out by; the password goes into a file for its owner's eyes alone."""
    from monitor.config.setup import Account

    address = values.mailbox(to)
    domain = address.domain.lower()
    guess = _SERVERS.get(domain, f"smtp.{domain}")
    own = f"{address.local}@{address.domain}"
    usual = flags["port"] or (_TLS_FROM_THE_START if flags["tls"] == "tls" else _STARTTLS)
    host, port = ask.value(
        "5 Server for outgoing mail (host, or host:port)",
        "host",
        flags["host"],
        guess,
        partial(_server, port=usual),
    )
    username = ask.value("  Account there (- for none)", "username", flags["username"], own, values.text)
    account = Account(
        to=to,
        host=host,
        port=port,
        tls=flags["tls"] or ("tls" if port == _TLS_FROM_THE_START else "starttls"),
        username="" if username in {"-", "none"} else username,
        sender=ask.value("  Who the mail comes from", "from", flags["from"], to, setting_kinds.MAILBOX.read),
    )
    if not account.username:
        return account
    if flags["password-file"]:
        return replace(account, password_file=_file_named(flags["password-file"], directory))
    if os.environ.get(_ENV):
        return replace(account, password_env=_ENV)
    password = ask.secret("  Password (an app password where there are such)")
    if password:
        directory.mkdir(parents=True, exist_ok=True)
        _keep_password(password, directory)
    elif not (directory / PASSWORD_FILE).exists():
        say(
            f"hint: put the password into {directory / PASSWORD_FILE} and run chmod 600 on it; "
            "`setup --test-mail` tries it then"
        )
    return replace(account, password_file=PASSWORD_FILE)


def _keep_password(password: str, directory: Path) -> None:
    # Private from the first instant: `chmod` afterwards leaves a moment in which others can open it.
    with replacing(directory / PASSWORD_FILE, private=True) as file:
        file.write_text(password + "\n", encoding="utf-8")


def _file_named(text: str, directory: Path) -> str:
    """Return a file as monitor.toml has it: a shell names it from where we are, a setting from its folder."""
    here = Path(text).expanduser()
    return str(here.absolute()) if here.exists() and not (directory / here).exists() else text


def _tried(ask: Questions, current: Session, config: Config, account: Account | None) -> bool:
    """Try everything, and ask for the password again while it is refused; an empty answer leaves it."""
    # A file of that name may be there and another be asked, or none: then no answer would change anything.
    is_ours = account is not None and account.password_file == PASSWORD_FILE
    # A server that does not answer takes a minute; the terminal should say what is going on.
    ask.tell("Trying feeds and mail …")
    while refused := asyncio.run(refusal(config)):
        if ask.silent or not is_ours or not (current.directory / PASSWORD_FILE).exists():
            break
        say(f"  {refused}")
        password = ask.secret("  Password again (Enter: leave it)")
        if not password:
            break
        _keep_password(password, current.directory)
    return asyncio.run(_try(current, config))


async def _try(current: Session, config: Config) -> bool:
    """Ask every feed that is followed, log in to the mail server; return whether all is well."""
    try:
        return await check_online(current, config)
    except ConfigError as error:
        show(*map(str, error.faults))
        return False


def _offer_service(ask: Questions, given: str | None, directory: Path) -> None:
    """Offer to start automatically: write a unit or an agent, or print a cron line, with what to do next."""
    from monitor.service import install

    mac, has_systemd = sys.platform == "darwin", Path("/run/systemd/system").exists()
    here = "none" if ask.silent else "launchd" if mac else "systemd" if has_systemd else "cron"
    kind = ask.value(
        f"Start by itself with ({', '.join(_SERVICES)})",
        "service",
        given,
        here,
        setting_kinds.choice(*_SERVICES).read,
    )
    if kind == "none":
        return
    program, folder = [sys.executable, "-m", "monitor"], directory.absolute()
    if kind == "cron":
        service = install.cron(program, folder)
    else:
        make = install.systemd if kind == "systemd" else install.launchd
        service = make(program, folder, Path.home())
    if service.path is None:
        show(service.text.rstrip("\n"))
    elif service.path.exists():
        show(f"kept  {service.path} (it was there)")
        if service.path.read_text(encoding="utf-8", errors="replace") != service.text:
            # What starts then may be another configuration: two of them share the file's name.
            show("      it is not what would be written now: look at it, or remove it and ask again")
    else:
        service.path.parent.mkdir(parents=True, exist_ok=True)
        service.path.write_text(service.text, encoding="utf-8")
        show(f"wrote {service.path}")
    show(*(f"then: {command}" for command in service.commands))
