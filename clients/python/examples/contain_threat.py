#!/usr/bin/env python3
"""Contains a threat: blocks its hash, isolates the endpoints it may be on, and fetches a report.

    python3 contain_threat.py --sandbox --sha256 HASH --endpoints LOBBY --case INC-4711

Running it a second time for the same case adds nothing to the block list again.
"""

from __future__ import annotations

import argparse
import hashlib
import pathlib
import sys

from sallyport import CommandError, FileReference, Host

SAMPLE = hashlib.sha256(b"a sample").hexdigest()


def find_endpoints(host: Host, name: str) -> dict[str, str]:
    """The managed endpoints whose name has the text in it: their ids and names."""
    endpoints = host.streaming(all_pages=True).bitdefender_gravityzone.list_endpoints(
        endpoint_type="endpoints", is_managed=True, filters=f"details.name:{name}"
    )
    return {endpoint["id"]: endpoint["name"] for endpoint in endpoints}


def block(host: Host, sha256: str, case: str) -> None:
    # The key makes a repetition harmless, also one after a crash.
    host.using(idempotency_key=f"{case}:{sha256}").bitdefender_gravityzone.add_to_blocklist(
        hashes=[sha256], hash_type="sha256", description=f"Seen in {case}"
    )


def isolate(host: Host, endpoints: dict[str, str]) -> bool:
    """Whether all of them are isolated; tells of each."""
    try:
        targets = host.bitdefender_gravityzone.isolate_endpoints(
            endpoint_ids=list(endpoints)
        ).targets
    except CommandError as error:  # Not one of them.
        if not error.targets:
            raise
        targets = error.targets
    for target in targets:
        outcome = target.return_data if target.error is None else target.error.message
        print(f"  {endpoints[target.target]:<12} {outcome}")
    return all(target.is_successful for target in targets)


def fetch_report(host: Host, name: str, folder: pathlib.Path) -> FileReference | None:
    """The first report of that name, saved to the folder."""
    for report in host.streaming(all_pages=True).bitdefender_gravityzone.list_reports():
        if report["name"] == name:
            break
    else:
        return None
    result = host.bitdefender_gravityzone.download_reports(report_ids=[report["id"]])
    for file in result.files:
        host.files.save(file, folder / file.name)
        return file
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sandbox", action="store_true", help="emulated vendors, no account")
    parser.add_argument("--connections", help="the connections file")
    parser.add_argument("--sha256", default=SAMPLE)
    parser.add_argument("--endpoints", default="LOBBY", help="text in the names of endpoints")
    parser.add_argument("--case", default="INC-4711")
    parser.add_argument("--report", default="Phishing Review hourly")
    parser.add_argument("--folder", type=pathlib.Path, help="where the report is saved")
    options = parser.parse_args()

    with Host(sandbox=options.sandbox, connections=options.connections, timeout=120) as host:
        try:
            endpoints = find_endpoints(host, options.endpoints)
            print(f"{len(endpoints)} endpoints match {options.endpoints}")
            block(host, options.sha256, options.case)
            print(f"{options.sha256[:12]}… is blocked")
            all_isolated = isolate(host, endpoints) if endpoints else True
            if options.folder is not None:
                report = fetch_report(host, options.report, options.folder)
                print(f"report: {report.name if report else 'none of that name'}")
        except CommandError as error:
            print(error, file=sys.stderr)
            if error.outcome == "unknown":
                print("The vendor may have acted.", file=sys.stderr)
            return 1
    return 0 if all_isolated else 1


if __name__ == "__main__":
    sys.exit(main())
