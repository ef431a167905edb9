import Basics
import IntegrationKit
import JSON
import JSONPath

/// The schemas of the results of all methods and their parts.
enum ResultSchemas {
  static var all: [SchemaComponent] { catalogue + invocation + events + files + connections + host }

  private static var catalogue: [SchemaComponent] {
    [
      SchemaComponent(
        "capabilities_result", "The integrations of the host.",
        .object([
          .always("protocol_version", .text, "The protocol version of the host."),
          .always("host", .object([.always("name", .text), .always("version", .text)])),
          .always(
            "hash", .pattern("^sha256:[0-9a-f]{64}$"),
            "The digest of the text of integrations in full detail."),
          .always("integrations", .list(.reference("integration"))),
        ])),
      SchemaComponent(
        "integration", "One vendor and its commands.",
        .object([
          .always("id", .text), .always("title", .text), .always("description", .text),
          .always("category", .text),
          .sometimes(
            "connection", .object([.always("schema", .map(.any), "JSON Schema of settings.")]),
            "Only in full detail."),
          .always("commands", .list(.reference("command"))),
        ])),
      SchemaComponent(
        "command", "One command. Optional members are present only in full detail.",
        .object([
          .always("id", .text), .always("title", .text), .always("description", .text),
          .sometimes("parameters", .map(.any), "JSON Schema of arguments."),
          .sometimes("result", .map(.any), "JSON Schema of raw_data."),
          .sometimes("items_path", .text, "JSONPath of the items in raw_data."),
          .sometimes("events", .reference("event_source")),
          .always("effect", .choice(["read", "write", "destructive"])),
          .sometimes(
            "sensitive", .boolean,
            "Whether agents ask their user before they run it, although it is not destructive."),
          .sometimes("idempotent", .boolean, "Whether repeating it has no further effect."),
          .sometimes(
            "partial_success", .boolean, "Whether some targets may fail while others succeed."),
          .sometimes("pages", .boolean, "Whether it supports all_pages."),
          .sometimes("permissions", .list(.text), "The required permissions of the vendor's user."),
          .sometimes(
            "rate_limit",
            .object([
              .always("requests", .integer(from: 1)), .always("per_seconds", .number),
              .always("bucket", .text, "Commands with the same bucket share the limit."),
            ])),
          .sometimes("read_back", .text, "The command that shows whether it was applied."),
          .sometimes(
            "failure_indicator", .text, "The failure_indicator of the errors of the command."),
          .sometimes(
            "error_samples",
            .list(
              .object([
                .always("failure_indicator", .text),
                .always("status_code", .integer(from: 100)),
                .always("message", .text),
              ])), "Errors that the vendor's document shows."),
        ])),
      SchemaComponent(
        "event_source", "The source of the events of a command.",
        .object([
          .always("main_event_json_path", .text),
          .always(
            "fields",
            .list(
              .object([
                .always("name", .text),
                .sometimes("path", .text, "JSONPath relative to the event."),
                .sometimes("value", .text, "A constant value."),
              ]))),
          .always("cursor", .text, "The argument for the cursor of an earlier result."),
        ])),
    ]
  }

  private static var invocation: [SchemaComponent] {
    [
      SchemaComponent(
        "invoke_result", "The result of a command, or of a dry run.",
        .oneOf([.reference("command_result"), .reference("dry_run_result")])),
      SchemaComponent(
        "command_result", "The result of a command that succeeded for all targets or some.",
        .object([
          .always("return_data", .choice(["Successful", "Partially Successful"])),
          .sometimes("raw_data", .any, "The vendor's response, unchanged."),
          .sometimes("targets", .list(.reference("target")), "The outcome per target."),
          .sometimes(
            "errors", .list(.reference("target_error")), "The errors of the failed targets."),
          .sometimes("files", .list(.reference("file_reference")), "The files that were stored."),
          .sometimes("events", .list(.reference("event"))),
          .sometimes("cursor", .text, "The cursor for the next call."),
          .sometimes("notices", .list(.text), "Additional information for the caller."),
          .always("meta", .reference("meta")),
          .sometimes(
            "dry_run",
            .written {
              $0.name("not")
              $0.object { _ in }
            }, "Never: it distinguishes the result of a dry run."),
        ])),
      SchemaComponent(
        "meta", "The metadata of an invocation. Members that do not apply are left out.",
        .object([
          .sometimes("connection", .text, "The name of the connection."),
          .always("trace_id", .pattern("^[0-9a-f]{32}$"), "The id of its trace."),
          .always("duration_ms", .count, "From the arrival of the request."),
          .sometimes("requests", .count, "Requests sent to the vendor."),
          .sometimes("retries", .count),
          .sometimes("waited_ms", .count, "Waiting time for rate limits and retries."),
          .sometimes("pages", .count), .sometimes("items", .count, "Items sent in a stream."),
          .sometimes("spent_ms", .reference("spent_ms")),
          .sometimes(
            "replayed", .written { $0.member("const", true) },
            "The result is that of an earlier request with the same idempotency key."),
        ])),
      SchemaComponent(
        "spent_ms",
        "How the duration was spent, in milliseconds. Parallel requests add up.",
        .object([
          .sometimes("queue", .count, "Waiting for a slot of the host or of the connection."),
          .sometimes("sign_in", .count, "Signing in, or waiting for another request to sign in."),
          .sometimes("rate_limit", .count, "Waiting for a rate limit."),
          .sometimes("back_off", .count, "Waiting before a retry."),
          .sometimes("vendor", .count, "HTTP requests."),
          .sometimes("plugin", .count, "The program of a plugin, without its HTTP requests."),
        ])),
      SchemaComponent(
        "dry_run_result", "The requests that a command would send, in order.",
        .object([
          .always("return_data", .word("Successful")),
          .always("dry_run", .written { $0.member("const", true) }),
          .always(
            "requests",
            .list(
              .object([
                .always("method", .text), .always("url", .text),
                .always("headers", .map(.text), "Credentials are redacted."),
                .sometimes("body", .any),
              ]))),
          .sometimes("notices", .list(.text), "Additional information for the caller."),
          .always("meta", .reference("meta")),
        ])),
      SchemaComponent(
        "event", "One event.",
        .object([
          .always("fields", .map(.any), "The fields mapped by the command and by field_mapping."),
          .always("raw", .any, "The source of the event."),
          .sometimes(
            "files", .list(.reference("file_reference")),
            "The files of the event, if the arguments ask for them."),
          .sometimes(
            "error",
            .object([
              .always("kind", .text), .always("status_code", .integer(from: 100)),
              .always("message", .text), .sometimes("remedy", .text),
            ]),
            "Why the event is not complete."),
        ])),
      SchemaComponent(
        "cancel_result", "Whether the request was in flight.",
        .object([.always("cancelled", .boolean)])),
    ]
  }

  private static var events: [SchemaComponent] {
    [
      SchemaComponent(
        "events_follow_result", "What was followed until the request was cancelled.",
        .object([
          .always("return_data", .word("Successful")),
          .sometimes("cursor", .text, "The cursor after the acknowledged events."),
          .always(
            "meta",
            .object([
              .sometimes("connection", .text), .always("trace_id", .pattern("^[0-9a-f]{32}$")),
              .always("duration_ms", .count),
              .always("events", .count, "Events that were sent."),
              .always("polls", .count),
            ])),
        ])),
      SchemaComponent(
        "events_ack_result", "The events that were acknowledged.",
        .object([
          .always("acknowledged", .count, "The last acknowledged event."),
          .always("unacknowledged", .count, "Events that were sent and are not acknowledged."),
        ])),
    ]
  }

  private static var files: [SchemaComponent] {
    [
      SchemaComponent(
        "file_reference", "A stored file.",
        .object([
          .always("file_id", .text), .always("name", .text),
          .always("size", .count, "The size in bytes."), .always("content_type", .text),
          .always("md5", .pattern("^[0-9a-f]{32}$")), .always("sha1", .pattern("^[0-9a-f]{40}$")),
          .always("sha256", .pattern("^[0-9a-f]{64}$")),
          .always(
            "source", .choice(["incident_attachment_file", "playbook_file", "artifact_file"])),
          .always("created", .time),
          .sometimes("path", .text, "The path of the content, only in results of commands."),
        ])),
      SchemaComponent("files_put_result", "The stored file.", .reference("file_reference")),
      SchemaComponent(
        "files_get_result", "A chunk of a file.",
        .object([
          .always("file_id", .text),
          .always("offset", .count, "The position of the chunk in bytes."),
          .always("length", .count, "The length of the chunk in bytes."),
          .always("size", .count, "The size of the file in bytes."),
          .always("content_base64", .text),
          .always("eof", .boolean, "Whether it is the last chunk."),
        ])),
      SchemaComponent(
        "files_list_result", "Files, newest last.",
        .object([
          .always("files", .list(.reference("file_reference"))),
          .sometimes("next_cursor", .text, "The cursor for the next call, if there is more."),
        ])),
      SchemaComponent(
        "files_remove_result", "Whether the file was removed.",
        .object([.always("removed", .boolean)])),
    ]
  }

  private static var connections: [SchemaComponent] {
    [
      SchemaComponent(
        "connections_list_result", "The connections of the host.",
        .object([
          .always(
            "connections",
            .list(
              .object([
                .always("name", .text), .always("integration", .text),
                .sometimes("description", .text), .always("active", .boolean),
                .always("settings", .map(.any), "Secrets are redacted."),
              ])))
        ])),
      SchemaComponent(
        "connections_put_result", "Whether an existing connection was replaced.",
        .object([.always("name", .text), .always("replaced", .boolean)])),
      SchemaComponent(
        "connections_remove_result", "Whether the connection was removed.",
        .object([.always("removed", .boolean)])),
      SchemaComponent(
        "connections_reload_result",
        "The changed connections, or what is wrong with the file. It has no effect then.",
        .object([
          .always("added", .list(.text)), .always("changed", .list(.text)),
          .always("removed", .list(.text)),
          .always(
            "rejected",
            .list(
              .object([
                .always("name", .text), .always("problems", .list(.reference("problem"))),
              ])), "The connections with problems."),
        ])),
      SchemaComponent(
        "watch", "A connection that is checked on a schedule.",
        .object([
          .always("connection", .text),
          .always("status", .choice(["unknown", "healthy", "unhealthy"])),
          .always("consecutive_failures", .count),
          .sometimes("error", .reference("health_error"), "Why the last check failed."),
          .sometimes("checked_at", .time),
          .always("interval_seconds", .integer(from: 1)),
          .always("notify_after_failures", .integer(from: 1)),
        ])),
      SchemaComponent(
        "health_error", "Why a check failed.",
        .object([
          .always("kind", .choice(CommandError.Kind.allCases.map(\.rawValue))),
          .always("message", .text),
          .sometimes("meta", .reference("meta"), "Unless the check did not start."),
        ])),
      SchemaComponent(
        "health_watch_result", "The watched connection.", .object([.always("watching", .text)])),
      SchemaComponent(
        "health_unwatch_result", "Whether the connection was watched.",
        .object([.always("unwatched", .boolean)])),
      SchemaComponent(
        "health_status_result", "All watches, by connection.",
        .object([.always("watches", .list(.reference("watch")))])),
    ]
  }

  private static var host: [SchemaComponent] {
    [
      SchemaComponent(
        "limits_result", "The limits of the host and the rate limits that were used.",
        .object([
          .always(
            "host",
            .object([
              .always("max_in_flight", .integer(from: 1)), .always("in_flight", .count),
              .always("parked", .count, "Calls that wait for a slot."),
              .always("max_parked_bytes", .count),
              .always("max_line_bytes", .integer(from: 1)),
              .always("max_result_bytes", .integer(from: 1)),
              .always("max_batch_requests", .integer(from: 1)),
              .always("max_depth", .integer(from: 1)),
              .always("max_file_bytes", .integer(from: 1)),
              .always("max_file_chunk_bytes", .integer(from: 1)),
            ])),
          .always(
            "fences",
            .object([
              .always("read_only", .boolean, "Whether commands that change data are rejected."),
              .always(
                "connections_only", .boolean,
                "Whether connections of callers are rejected."),
              .always(
                "files_from", .list(.text),
                "The directories below which files/put may read a path."),
            ]), "What callers may not do."),
          .always(
            "connections", .map(.list(.reference("rate_bucket"))), "Rate limits by connection."),
        ])),
      SchemaComponent(
        "rate_bucket", "A rate limit, or the pause of a command without one.",
        .object([
          .always("bucket", .text), .sometimes("requests", .integer(from: 1)),
          .sometimes("per_seconds", .number),
          .always("available", .count, "Requests that could be sent now."),
          .always("resume_in_ms", .count, "Milliseconds until the next request could be sent."),
          .always("shared", .boolean, "Whether the limit is shared with other processes."),
        ])),
      SchemaComponent(
        "limits_reset_result", "The pauses that ended.",
        .object([
          .always("connection", .text),
          .always("lifted", .count, "Rate limits that were paused."),
        ])),
      SchemaComponent(
        "stats_result", "Counters since the start.",
        .object([
          .always("uptime_ms", .count), .always("lines", .count), .always("results", .count),
          .always("errors", .count), .always("notifications", .count),
          .always("in_flight", .count),
          .always("parked", .count, "Calls that wait for a slot."),
        ])),
      SchemaComponent(
        "metrics_result", "The metrics of the host.",
        .object([
          .always("content_type", .text, "The media type of the text."),
          .always("text", .text, "The metrics in the text format of OpenMetrics."),
        ])),
      SchemaComponent("nothing", "An object without members.", .object([])),
      SchemaComponent(
        "rpc_discover_result", "An OpenRPC document.",
        .object([
          .always("openrpc", .text), .always("info", .map(.any)),
          .always("servers", .list(.map(.any))), .always("methods", .list(.map(.any))),
          .always("x-notifications", .list(.map(.any))), .always("components", .map(.any)),
        ])),
    ]
  }
}
