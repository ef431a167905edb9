#!/usr/bin/env python3
"""Handles a phishing report: blocks the files of the mail, isolates its recipients' endpoints, reports.

    python3 phishing.py --sandbox --owners ../../../protocol/examples/phishing/owners.csv --dry-run

It searches a mailbox to which users forward suspicious mail as an attachment, and sends its report
there. --dry-run only reads, and shows the changes that would be made. With --state-dir a second
run blocks nothing twice. Exit status: 0 success; 1 a step failed (the others still run); 2 wrong
command line, nothing was started. clients/go/examples/playbook does the same.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import json
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sallyport import CommandError, FileReference, Host, Result, SallyportError, Target
from sallyport.integrations.bitdefender_gravityzone import BitdefenderGravityzone

MAIL = "message/rfc822"
ADDRESS = re.compile(r'[^\s<>(),;:"]+@[^\s<>(),;:"]+')


@dataclasses.dataclass(frozen=True)
class Incident:
    """The input of the playbook."""

    number: str
    mailbox: str
    #: The domain whose reports count: anyone can send a mail that looks like one.
    domain: str
    #: Maps the mail address of an owner to an endpoint: neither vendor knows the owners.
    owners: Mapping[str, str]
    dry_run: bool = False
    #: Connections; None if there is only one.
    gmail: str | None = None
    gravityzone: str | None = None


@dataclasses.dataclass(frozen=True)
class ReportedMail:
    """A suspicious mail, as an attachment of the mail that reports it."""

    message_id: str
    reporter: str
    sender: str
    subject: str
    recipients: Sequence[str]
    attachments: Sequence[str]


# Reading the mail


def header(part: Mapping[str, Any], name: str) -> str:
    values = (h["value"] for h in part.get("headers", ()) if h["name"].lower() == name.lower())
    return next(values, "")


def parts_below(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in part.get("parts", ()):
        yield child
        yield from parts_below(child)


def reported_mails(message: Mapping[str, Any]) -> Iterator[ReportedMail]:
    """Other attachments of the reporter, such as a screenshot, are not suspicious."""
    for attached in message["payload"].get("parts", ()):
        if attached["mimeType"] != MAIL or not attached.get("parts"):
            continue
        mail, below = attached["parts"][0], list(parts_below(attached))
        yield ReportedMail(
            message["id"],
            header(message["payload"], "From"),
            header(mail, "From"),
            header(mail, "Subject"),
            ADDRESS.findall(f"{header(mail, 'To')} {header(mail, 'Cc')}".lower()),
            [p["filename"] for p in below if p["filename"] and p["mimeType"] != MAIL],
        )


# The report


class Report:
    """Records each step. A failed step does not stop the playbook."""

    def __init__(self, incident: Incident) -> None:
        self.has_failures = False
        self._title = f"# Phishing, incident {incident.number}\n\n"
        self._heading = f"\n## What {'would be' if incident.dry_run else 'was'} done\n\n"
        self._mails: list[str] = []
        self._steps: list[str] = []

    def __str__(self) -> str:
        # Parts of it were written by the attacker: each entry stays on one line.
        mails, steps = (
            "".join(f"- {' '.join(line.split())}\n" for line in lines)
            for lines in (self._mails, self._steps)
        )
        return self._title + mails + self._heading + steps

    def add_mail(self, mail: ReportedMail) -> None:
        self._mails.append(f"{mail.reporter} reports: {mail.subject}, from {mail.sender}")

    def tell(self, step: str, outcome: str) -> None:
        self._steps.append(f"{step}: {outcome}")

    def fail(self, step: str, reason: str) -> None:
        self.has_failures = True
        self.tell(step, f"failed. {reason}")

    def fail_with(self, step: str, error: CommandError) -> None:
        # The remedy also says if a failed step may have been applied.
        self.fail(step, f"{error.status_code} {error.message} {error.remedy or ''}")

    def run(self, steps: Mapping[str, str], command: Callable[[], Result]) -> Result | None:
        """Runs a command over targets. `steps` describes the step per target."""
        result, targets = None, [Target(target, "Successful", None) for target in steps]
        try:
            result = command()
            targets = result.targets or targets
        except CommandError as error:
            targets = error.targets or [Target(target, "Failed", error) for target in steps]
        requests = iter(result.requests if result else ())
        for target in targets:
            if target.error is not None:
                self.fail_with(steps[target.target], target.error)
            elif request := next(requests, None):
                body = request["body"]
                params = json.dumps(body["params"], separators=(",", ":"), ensure_ascii=False)
                self.tell(steps[target.target], f"{body['method']} {params}")
            else:
                self.tell(steps[target.target], "done")
        return result


# The steps


class Playbook:
    def __init__(self, host: Host, incident: Incident) -> None:
        self._host, self._incident = host, incident
        self._mail = host.using(connection=incident.gmail).gmail
        self._report = Report(incident)

    def run(self) -> bool:
        """Returns whether all steps succeeded."""
        mails = self._find_mails()
        if not mails and not self._report.has_failures:
            print(f"No reported mail in {self._incident.mailbox}.")
            return True
        self._block([file for mail in mails for file in self._download(mail)])
        recipients = dict.fromkeys(address for mail in mails for address in mail.recipients)
        self._isolate(list(recipients))
        print(self._report, end="")
        if not self._incident.dry_run:
            self._send()
        return not self._report.has_failures

    def _find_mails(self) -> list[ReportedMail]:
        mailbox, report = self._incident.mailbox, self._report
        found = self._host.streaming(connection=self._incident.gmail).gmail.search_emails(
            user_email=mailbox,
            filter=f'from:{self._incident.domain} subject:"Phishing report" has:attachment',
        )
        ids = [message["id"] for message in found]
        if not ids:
            return []
        result = self._mail.get_email(user_email=mailbox, message_ids=ids)
        for target in result.failures:
            if target.error is not None:
                report.fail_with(f"Read mail {target.target}", target.error)
        mails = [mail for message in result.raw_data for mail in reported_mails(message)]
        for mail in mails:
            report.add_mail(mail)
        return mails

    def _download(self, mail: ReportedMail) -> list[FileReference]:
        names = list(dict.fromkeys(mail.attachments))
        if not names:
            return []
        result = self._report.run(
            {name: f"Download {name}" for name in names},
            lambda: self._mail.download_email_attachment(
                user_email=self._incident.mailbox,
                message_id=mail.message_id,
                attachment_file_names=names,
            ),
        )
        return result.files if result else []

    def _block(self, files: Sequence[FileReference]) -> None:
        names = {file.sha256: file.name for file in files}
        if not names:
            return
        hashes = sorted(names)
        step = "Block " + ", ".join(f"{names[sha256]} (SHA-256 {sha256})" for sha256 in hashes)
        # With this key, files that were blocked before, even before a crash, are not blocked again.
        key = f"{self._incident.number} {hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"
        self._report.run(
            {step: step},
            lambda: self._changing(idempotency_key=key).add_to_blocklist(
                hashes=hashes,
                hash_type="sha256",
                description=f"Phishing, incident {self._incident.number}",
            ),
        )

    def _isolate(self, recipients: Sequence[str]) -> None:
        owned: dict[str, list[str]] = {}
        for recipient in recipients:
            if recipient in self._incident.owners:
                owned.setdefault(self._incident.owners[recipient], []).append(recipient)
            else:
                self._report.tell(f"Isolate the endpoint of {recipient}", "none is known")
        steps: dict[str, str] = {}
        for name, owners in owned.items():
            step = f"Isolate {name} of {', '.join(owners)}"
            try:
                id = self._find_endpoint(name)
            except CommandError as error:
                self._report.fail_with(step, error)
                continue
            if id is None:
                self._report.fail(step, "No managed endpoint has this name.")
            else:
                steps[id] = step
        if steps:
            self._report.run(
                steps, lambda: self._changing().isolate_endpoints(endpoint_ids=list(steps))
            )

    def _find_endpoint(self, name: str) -> str | None:
        """The id of the managed endpoint with this name."""
        options = self._host.streaming(connection=self._incident.gravityzone, all_pages=True)
        endpoints = options.bitdefender_gravityzone.list_endpoints(
            endpoint_type="endpoints",
            is_managed=True,
            filters=f"details.name:{name} AND depth.allItemsRecursively:True",
        )
        # The filter also finds names with this prefix.
        return next((e["id"] for e in endpoints if e["name"].lower() == name.lower()), None)

    def _changing(self, **options: Any) -> BitdefenderGravityzone[Result]:
        """The commands, with the options of changes."""
        return self._host.using(
            connection=self._incident.gravityzone, dry_run=self._incident.dry_run, **options
        ).bitdefender_gravityzone

    def _send(self) -> None:
        name = f"incident-{self._incident.number}.md"
        file = self._host.files.put(str(self._report).encode(), name=name)
        self._mail.send_email(
            sender_email=self._incident.mailbox,
            to_recipients=[self._incident.mailbox],
            subject=f"Phishing, incident {self._incident.number}",
            content="The report is attached.",
            file_ids=[file.file_id],
        )


def read_owners(path: pathlib.Path) -> dict[str, str]:
    """Maps lower-case mail addresses to endpoints. Raises OSError and ValueError."""
    with path.open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.reader(table) if row]
    if not rows or rows[0] != ["mail", "endpoint"]:
        raise ValueError("the first line must be mail,endpoint")
    for row in rows[1:]:
        if len(row) != 2:
            raise ValueError(f"{','.join(row)} must be a mail address and an endpoint")
    return {mail.lower(): endpoint for mail, endpoint in rows[1:]}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sandbox", action="store_true", help="emulated vendors, no account")
    parser.add_argument("--connections", help="the connections file")
    parser.add_argument("--gmail", help="its connection, if there are several")
    parser.add_argument("--gravityzone", help="its connection, if there are several")
    parser.add_argument("--state-dir", help="the state directory of the host")
    parser.add_argument("--incident", default="4711", help="its number")
    parser.add_argument("--mailbox", default="soc@harbor.example", help="the mailbox of reports")
    parser.add_argument("--from", dest="domain", default="harbor.example", help="the domain whose reports count")
    parser.add_argument("--owners", type=pathlib.Path, help="CSV with the columns mail and endpoint")
    parser.add_argument("--dry-run", action="store_true", help="show the changes, make none")
    options = parser.parse_args()

    try:
        owners = read_owners(options.owners) if options.owners else {}
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        print(f"{options.owners}: {reason}", file=sys.stderr)
        return 2
    incident = Incident(
        options.incident,
        options.mailbox,
        options.domain,
        owners,
        options.dry_run,
        options.gmail,
        options.gravityzone,
    )
    try:
        with Host(
            sandbox=options.sandbox, connections=options.connections, state_dir=options.state_dir
        ) as host:
            return 0 if Playbook(host, incident).run() else 1
    except SallyportError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
