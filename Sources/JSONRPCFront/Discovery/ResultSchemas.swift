import Basics
import JSON
import JSONPath

/// What the methods answer, and what their answers are made of.
enum ResultSchemas {
  static var all: [SchemaComponent] { catalogue + invocation + files + connections + host }

  private static var catalogue: [SchemaComponent] {
    [
      SchemaComponent(
        "capabilities_result", "The integrations of the host.",
        .object([
          .always("protocol_version", .text, "The version of the protocol that the host keeps to."),
          .always("host", .object([.always("name", .text), .always("version", .text)])),
          .always(
            "hash", .pattern("^sha256:[0-9a-f]{64}$"),
            "Of the text of integrations in full detail; equal for equal catalogues."),
          .always("integrations", .list(.reference("integration"))),
        ])),
      SchemaComponent(
        "integration", "What a host can do with one vendor.",
        .object([
          .always("id", .text), .always("title", .text), .always("description", .text),
          .always("category", .text),
          .sometimes(
            "connection", .object([.always("schema", .map(.any), "JSON Schema of settings.")]),
            "In full detail only."),
          .always("commands", .list(.reference("command"))),
        ])),
      SchemaComponent(
        "command", "One command. Members that are not always there come in full detail.",
        .object([
          .always("id", .text), .always("title", .text), .always("description", .text),
          .sometimes("parameters", .map(.any), "JSON Schema of arguments."),
          .sometimes("result", .map(.any), "JSON Schema of raw_data."),
          .sometimes("items_path", .text, "JSONPath of the items in raw_data."),
          .sometimes("events", .reference("event_source")),
          .always("effect", .choice(["read", "write", "destructive"])),
          .sometimes("idempotent", .boolean, "Whether doing it twice is as doing it once."),
          .sometimes("partial_success", .boolean, "Whether some of its targets may fail."),
          .sometimes("pages", .boolean, "Whether all_pages means something to it."),
          .sometimes("permissions", .list(.text), "What the vendor's user must be allowed."),
          .sometimes(
            "rate_limit",
            .object([
              .always("requests", .integer(from: 1)), .always("per_seconds", .number),
              .always("bucket", .text, "Commands with the same bucket draw from it together."),
            ])),
          .sometimes("read_back", .text, "The command that shows whether it was done."),
        ])),
      SchemaComponent(
        "event_source", "What the events of a command are made of.",
        .object([
          .always("main_event_json_path", .text),
          .always(
            "fields",
            .list(
              .object([
                .always("name", .text), .sometimes("path", .text, "JSONPath from the event."),
                .sometimes("value", .text, "The same in each event."),
              ]))),
          .always("cursor", .text, "The argument that takes the cursor of an earlier answer."),
        ])),
    ]
  }

  private static var invocation: [SchemaComponent] {
    [
      SchemaComponent(
        "invoke_result", "What a command answered, or what a dry run would send.",
        .oneOf([.reference("command_result"), .reference("dry_run_result")])),
      SchemaComponent(
        "command_result", "A command that succeeded, with all of its targets or some.",
        .object([
          .always("return_data", .choice(["Successful", "Partially Successful"])),
          .sometimes("raw_data", .any, "What the vendor sent, untouched."),
          .sometimes("targets", .list(.reference("target")), "What became of each target."),
          .sometimes("errors", .list(.reference("target_error")), "Of the targets that failed."),
          .sometimes("files", .list(.reference("file_reference")), "What the command stored."),
          .sometimes("events", .list(.reference("event"))),
          .sometimes("cursor", .text, "What the next call continues with."),
          .sometimes("notices", .list(.text), "What the caller should know beside the data."),
          .always("meta", .reference("meta")),
        ])),
      SchemaComponent(
        "meta", "What the command took.",
        .object([
          .always("duration_ms", .count), .always("requests", .count, "Sent to the vendor."),
          .always("retries", .count), .always("waited_ms", .count, "For rate limits and retries."),
          .always("pages", .count), .sometimes("items", .count, "Of a stream: what was sent."),
        ])),
      SchemaComponent(
        "dry_run_result", "The requests that would be sent, in order.",
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
        ])),
      SchemaComponent(
        "event", "One event.",
        .object([
          .always("fields", .map(.any), "By the mapping of the command and of field_mapping."),
          .always("raw", .any, "What it was made of."),
        ])),
      SchemaComponent(
        "cancel_result", "Whether there was such a request.",
        .object([.always("cancelled", .boolean)])),
    ]
  }

  private static var files: [SchemaComponent] {
    [
      SchemaComponent(
        "file_reference", "A file of the store.",
        .object([
          .always("file_id", .text), .always("name", .text),
          .always("size", .count, "Bytes."), .always("content_type", .text),
          .always("md5", .pattern("^[0-9a-f]{32}$")), .always("sha1", .pattern("^[0-9a-f]{40}$")),
          .always("sha256", .pattern("^[0-9a-f]{64}$")),
          .always(
            "source", .choice(["incident_attachment_file", "playbook_file", "artifact_file"])),
          .always("created", .time),
          .sometimes("path", .text, "Where the content can be read, in results of commands."),
        ])),
      SchemaComponent("files_put_result", "The file.", .reference("file_reference")),
      SchemaComponent(
        "files_get_result", "A chunk of a file.",
        .object([
          .always("file_id", .text), .always("offset", .count, "Bytes before the chunk."),
          .always("length", .count, "Bytes of the chunk."),
          .always("size", .count, "Bytes of the file."),
          .always("content_base64", .text), .always("eof", .boolean, "Whether it is the last one."),
        ])),
      SchemaComponent(
        "files_list_result", "Files, the newest last.",
        .object([
          .always("files", .list(.reference("file_reference"))),
          .sometimes("next_cursor", .text, "Where there are more: cursor of the next call."),
        ])),
      SchemaComponent(
        "files_remove_result", "Whether there was such a file.",
        .object([.always("removed", .boolean)])),
    ]
  }

  private static var connections: [SchemaComponent] {
    [
      SchemaComponent(
        "connections_list_result", "The connections of this process.",
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
        "connections_put_result", "Whether it took the place of another.",
        .object([.always("name", .text), .always("replaced", .boolean)])),
      SchemaComponent(
        "connections_remove_result", "It is removed.",
        .object([.always("removed", .boolean)])),
      SchemaComponent(
        "watch", "A connection that is checked on a schedule.",
        .object([
          .always("connection", .text),
          .always("status", .choice(["unknown", "healthy", "unhealthy"])),
          .always("consecutive_failures", .count),
          .sometimes("error", .text, "Why the last check failed."),
          .sometimes("checked_at", .time),
          .always("interval_seconds", .integer(from: 1)),
          .always("notify_after_failures", .integer(from: 1)),
        ])),
      SchemaComponent(
        "health_watch_result", "The connection.", .object([.always("watching", .text)])),
      SchemaComponent(
        "health_unwatch_result", "Whether it was watched.",
        .object([.always("unwatched", .boolean)])),
      SchemaComponent(
        "health_status_result", "All watches, by connection.",
        .object([.always("watches", .list(.reference("watch")))])),
    ]
  }

  private static var host: [SchemaComponent] {
    [
      SchemaComponent(
        "limits_result", "The limits of the host, and the rate limits that were drawn from.",
        .object([
          .always(
            "host",
            .object([
              .always("max_in_flight", .integer(from: 1)), .always("in_flight", .count),
              .always("max_line_bytes", .integer(from: 1)),
              .always("max_batch_requests", .integer(from: 1)),
              .always("max_depth", .integer(from: 1)),
              .always("max_file_bytes", .integer(from: 1)),
              .always("max_file_chunk_bytes", .integer(from: 1)),
            ])),
          .always("connections", .map(.list(.reference("rate_bucket"))), "By connection."),
        ])),
      SchemaComponent(
        "rate_bucket", "A rate limit, or the pause of a command that has none.",
        .object([
          .always("bucket", .text), .sometimes("requests", .integer(from: 1)),
          .sometimes("per_seconds", .number),
          .always("available", .count, "Requests that could be sent now."),
          .always("resume_in_ms", .count, "Until the next one can."),
          .always("shared", .boolean, "Whether other processes count too."),
        ])),
      SchemaComponent(
        "stats_result", "Counts since the start.",
        .object([
          .always("uptime_ms", .count), .always("lines", .count), .always("results", .count),
          .always("errors", .count), .always("notifications", .count),
          .always("in_flight", .count),
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
