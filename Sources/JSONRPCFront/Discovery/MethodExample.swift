import Basics
import IntegrationKit
import JSON

/// A request and its response, from a host with the sandbox.
struct MethodExample: Sendable {
  let name: String
  /// A JSON object.
  let params: String
  /// JSON.
  let result: String

  init(_ name: String, _ params: String = "{}", _ result: String = "{}") {
    self.name = name
    self.params = params
    self.result = result
  }

  /// Writes an example pairing of OpenRPC.
  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      writer.name("params")
      writer.array { writer in
        for param in Self.parsed(params).members {
          writer.object {
            $0.member("name", param.name)
            $0.member("value", param.value)
          }
        }
      }
      writer.name("result")
      writer.object {
        $0.member("name", "result")
        $0.member("value", Self.parsed(result))
      }
    }
  }

  private static func parsed(_ text: String) -> JSON {
    guard let json = try? JSON.parse(text) else { preconditionFailure("invalid JSON: \(text)") }
    return json
  }
}

// MARK: The examples, in the order in which a caller could send them

extension MethodExample {
  static let capabilities = MethodExample(
    "The summary of one command.",
    #"{"integration":"coda_footprint","command":"list_device_users","detail":"summary"}"#,
    #"""
    {"protocol_version": "1", "host": {"name": "sallyport", "version": "0.1.0"},
     "hash": "sha256:64275d57da3f12a353b1705de6ae7995aab2f61eaf3cf437874acd7efe9c0732",
     "integrations": [{
       "id": "coda_footprint", "title": "CODA Footprint", "description": "Vulnerability management.",
       "category": "Threat Intelligence",
       "commands": [{"id": "list_device_users", "title": "List Device Users",
                     "description": "Lists the accounts of one device.", "effect": "read"}]}]}
    """#)
  static let invoke = MethodExample(
    "A command with the vendor's unchanged response as result.",
    #"{"integration":"coda_footprint","command":"list_device_users","arguments":{"device_id":1043}}"#,
    #"""
    {"return_data": "Successful",
     "raw_data": [
       {"accountType": "512", "description": "Built-in account for administering the computer",
        "disabled": "True", "name": "Administrator",
        "passwordExpires": "False"},
       {"accountType": "512", "description": "", "disabled": "False", "name": "a.lindqvist",
        "passwordExpires": "True"},
       {"accountType": "66048", "description": "Backup agent", "disabled": "False",
        "name": "svc-backup", "passwordExpires": "False"}],
     "meta": {"connection": "coda_sandbox", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
              "duration_ms": 12, "requests": 1, "retries": 0, "waited_ms": 0, "pages": 1,
              "spent_ms": {"vendor": 12}}}
    """#)
  static let dryRun = MethodExample(
    "The requests of a command, without sending them.",
    #"{"integration":"coda_footprint","command":"list_scanners","options":{"dry_run":true}}"#,
    #"""
    {"return_data": "Successful", "dry_run": true,
     "requests": [{"method": "GET",
                   "url": "http://127.0.0.1:40001/api/console/scanSurface/scanners/",
                   "headers": {"Accept": "application/json", "Authorization": "[redacted]"}}],
     "meta": {"connection": "coda_sandbox", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
              "duration_ms": 1}}
    """#)
  static let cancel = MethodExample(
    "The id is not in flight.", #"{"id":7}"#, #"{"cancelled":false}"#)

  static let eventsFollow = MethodExample(
    "The mail of a mailbox, until the request is cancelled.",
    #"""
    {"command": "fetch_event", "connection": "gmail_sandbox", "every_seconds": 60,
     "arguments": {"user_email": "soc@harbor.example", "start_time": "2026-11-16 08:00",
                   "search_condition": "subject:parcel"}}
    """#,
    #"""
    {"return_data": "Successful",
     "meta": {"connection": "gmail_sandbox", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
              "duration_ms": 31000, "events": 1, "polls": 1}}
    """#)
  static let eventsAck = MethodExample(
    "The first event.", #"{"id":7,"seq":0}"#, #"{"acknowledged":0,"unacknowledged":0}"#)

  static let connectionsPut = MethodExample(
    "Add a connection until the host exits.",
    #"""
    {"name": "lab", "connection": {
      "integration": "coda_footprint",
      "settings": {"server_url": "https://lab.example.com", "user_name": "soar@lab.example",
                   "password": "correct horse battery staple"}}}
    """#,
    #"{"name":"lab","replaced":false}"#)
  static let connectionsList = MethodExample(
    "A host with one connection.", "{}",
    #"""
    {"connections": [{
      "name": "lab", "integration": "coda_footprint", "active": true,
      "settings": {"server_url": "https://lab.example.com", "user_name": "soar@lab.example",
                   "password": "[redacted]"}}]}
    """#)
  static let connectionsRemove = MethodExample(
    "Remove a connection.", #"{"name":"lab"}"#, #"{"removed":true}"#)

  static let connectionsReload = MethodExample(
    "The file has one connection more, and another password.", "{}",
    #"{"added":["lab"],"changed":["main"],"removed":[],"rejected":[]}"#)

  static let healthWatch = MethodExample(
    "Run Test Connection now and every minute.",
    #"{"connection":"coda_sandbox","interval_seconds":60,"notify_after_failures":3}"#,
    #"{"watching":"coda_sandbox"}"#)
  static let healthStatus = MethodExample(
    "All watches after the first check.", "{}",
    #"""
    {"watches": [{"connection": "coda_sandbox", "status": "healthy", "consecutive_failures": 0,
                  "checked_at": "2026-11-20T12:00:00.123Z", "interval_seconds": 60,
                  "notify_after_failures": 3}]}
    """#)
  static let healthUnwatch = MethodExample(
    "Stop the checks.", #"{"connection":"coda_sandbox"}"#, #"{"unwatched":true}"#)

  static func of(_ method: FileMethod) -> MethodExample {
    switch method {
    case .put:
      MethodExample(
        "Store a file and return a reference for commands.",
        #"{"name":"note.txt","content_base64":"aGVsbG8=","source":"artifact_file"}"#, file)
    case .get:
      MethodExample(
        "The last four bytes of the file.", #"{"file_id":"\#(fileID)","offset":1}"#,
        #"""
        {"file_id": "\#(fileID)", "offset": 1, "length": 4, "size": 5,
         "content_base64": "ZWxsbw==", "eof": true}
        """#)
    case .list: MethodExample("All files.", "{}", #"{"files":[\#(file)]}"#)
    case .remove:
      MethodExample("Remove a file.", #"{"file_id":"\#(fileID)"}"#, #"{"removed":true}"#)
    }
  }

  private static let fileID = "6f1d1f0a5c0e4b7e9f5d3c2b1a098765"
  private static let file = #"""
    {"file_id": "\#(fileID)", "name": "note.txt", "size": 5, "content_type": "text/plain",
     "md5": "5d41402abc4b2a76b9719d911017c592",
     "sha1": "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
     "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
     "source": "artifact_file", "created": "2026-11-20T12:00:00.123Z"}
    """#

  static let limits = MethodExample(
    "A host without connections.", "{}",
    #"""
    {"host": {"max_in_flight": 64, "in_flight": 0, "parked": 0, "max_parked_bytes": 8388608,
              "max_line_bytes": 33554432, "max_result_bytes": 67108864,
              "max_batch_requests": 10000, "max_depth": 512, "max_file_bytes": 268435456,
              "max_file_chunk_bytes": 4194304},
     "fences": {"read_only": false, "connections_only": false, "files_from": []},
     "connections": {}}
    """#)
  static let limitsReset = MethodExample(
    "No rate limit of the connection is paused.", #"{"connection":"coda_sandbox"}"#,
    #"{"connection":"coda_sandbox","lifted":0}"#)
  static let stats = MethodExample(
    "The first request of a connection.", "{}",
    #"""
    {"uptime_ms": 3, "lines": 1, "results": 0, "errors": 0, "notifications": 0, "in_flight": 0,
     "parked": 0}
    """#)
  static let metrics = MethodExample(
    "A part of the metrics of a host without calls.", "{}",
    #"""
    {"content_type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
     "text": "# TYPE sallyport_in_flight gauge\n# HELP sallyport_in_flight Requests in flight.\nsallyport_in_flight 0\n# EOF\n"}
    """#)
  static let ping = MethodExample("The host is running.")
  static let shutdown = MethodExample("The host exits when the requests in flight have responses.")
}
