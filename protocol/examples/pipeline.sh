#!/usr/bin/env bash
# Lists the devices at risk with their worst vulnerability. Two hosts and jq in one pipeline:
# the first host's devices become requests to the second host while they still arrive.
#
#   bash pipeline.sh RISK [OPTIONS of sallyport serve]
#
#   $ bash protocol/examples/pipeline.sh critical --sandbox | head -4
#   device                  found  worst  which
#   1041 LNX-BLD-140        4      10     CVE-2021-44228 Apache Log4j 2.14.1
#   1036 SRV-DC-135         2      10     CVE-2020-1472 Windows Netlogon
#   1032 LNX-BLD-131        4      10     CVE-2021-44228 Apache Log4j 2.14.1
#
# RISK is a risk level of list_devices. Devices whose request failed are listed after the table.
# If list_devices fails, stderr says why. Both set exit status 1. It needs jq, and sallyport as
# $SALLYPORT or on the PATH.
set -euo pipefail

sallyport=${SALLYPORT:-sallyport}
risk=${1:-critical}
[ $# -eq 0 ] || shift

# jq writes each request on one line (-c) and quotes its input (--arg).
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
      # The response has the same id: no lookup is needed.
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
