#!/usr/bin/env bash
# Which devices are at risk, and what is the worst that each one has? Two hosts and jq in one pipe:
# the first host's devices become requests of the second one while they still arrive.
#
#   bash pipeline.sh RISK [OPTIONS of sallyport serve]
#
#   $ bash protocol/examples/pipeline.sh critical --sandbox | head -4
#   device                  found  worst  which
#   1041 LNX-BLD-140        4      10     CVE-2021-44228 Apache Log4j 2.14.1
#   1036 SRV-DC-135         2      10     CVE-2020-1472 Windows Netlogon
#   1032 LNX-BLD-131        4      10     CVE-2021-44228 Apache Log4j 2.14.1
#
# RISK is a risk level of list_devices. A device that could not be asked about is told after the
# table, and why there are no devices on stderr; the exit status is then 1. It needs jq, and sallyport
# as $SALLYPORT or on the PATH.
set -euo pipefail

sallyport=${SALLYPORT:-sallyport}
risk=${1:-critical}
[ $# -eq 0 ] || shift

# jq writes each request: one line (-c), in which whatever it was given is quoted (--arg).
jq -nc --arg risk "$risk" '{
  jsonrpc: "2.0", id: "devices", method: "invoke",
  params: {
    integration: "coda_footprint", command: "list_devices",
    arguments: {filter: {riskLevel: $risk}}, options: {stream: true, all_pages: true}
  }
}' |
  "$sallyport" serve "$@" |
  jq -c --unbuffered '
    if .error then
      [.error.message, (.error.data.problems[]? | "\(.path): \(.message)")]
      | join("\n") + "\n" | halt_error(1)
    else
      # The id comes back with the answer: what it says needs no looking up.
      select(.method == "invoke/item") | .params.item | {
        jsonrpc: "2.0", id: "\(.id) \(.name)", method: "invoke",
        params: {
          integration: "coda_footprint", command: "list_device_vulnerabilities",
          arguments: {device_id: .id}
        }
      }
    end' |
  "$sallyport" run - "$@" |
  jq -rs '
    def text: tostring | gsub("[[:cntrl:]]"; " ");
    def cell($width): text | . + " " * ([$width - length, 1] | max);
    def row(device; found; worst; which):
      (device | cell(24)) + (found | cell(7)) + (worst | cell(7)) + (which | text);

    row("device"; "found"; "worst"; "which"),
    (
      map(select(.result) | {id, found: (.result.raw_data // [])})
      | map(.worst = (.found | max_by(.cvssScore)))
      | sort_by(.worst.cvssScore, .id) | reverse[]
      | row(.id; .found | length; .worst.cvssScore // "-"; "\(.worst.cve // "") \(.worst.affected // "")")
    ),
    (.[] | select(.error) | "\(.id): \(.error.data.status_code) \(.error.data.message)")'
