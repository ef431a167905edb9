import Engine
import IntegrationKit

/// The schema of a line of the audit file.
enum AuditSchemas {
  static var all: [SchemaComponent] {
    [
      SchemaComponent("audit_line", "One line of the audit file.", line),
      SchemaComponent(
        "audit_target", "The outcome of one target.",
        .object(
          [
            .always("target", .text), .always("return_data", .choice(["Successful", "Failed"])),
          ] + error)),
    ]
  }

  private static let digest = MessageSchema.pattern("^[0-9a-f]{64}$")
  private static let null = MessageSchema.written { $0.member("type", "null") }

  private static var line: MessageSchema {
    .object(chain + origin + call + outcome + others)
  }

  private static let chain: [MessageSchema.Member] = [
    .always("time", .time),
    .always("seq", .integer(from: 1), "The number of the line in its file."),
    .always(
      "previous", .oneOf([digest, null]),
      "SHA-256 of the line before it without its line feed; null in the first line of a chain."),
    .always("event", .choice(AuditEvent.allCases.map(\.rawValue))),
  ]

  private static let origin: [MessageSchema.Member] = [
    .always(
      "host", .object([.always("pid", .integer(from: 1)), .always("start", .time)]),
      "The process of the host."),
    .always("user", .text, "The user that started the host."),
    .always(
      "client", .oneOf([.object([.always("name", .text), .sometimes("version", .text)]), null]),
      "The MCP client that sent the request."),
    .always("id", .reference("id"), "The id of the request; null for an action of the host."),
  ]

  private static let call: [MessageSchema.Member] = [
    .sometimes("method", .text, "The method that was refused, unless it runs a command."),
    .sometimes("trace_id", .pattern("^[0-9a-f]{32}$"), "As in meta."),
    .sometimes(
      "span_id", .pattern("^[0-9a-f]{16}$"),
      "The same in started and finished of one invocation."),
    .sometimes("label", .text, "As in the options."),
    .sometimes("integration", .text), .sometimes("command", .text),
    .sometimes("effect", .choice(["read", "write", "destructive"])),
    .sometimes("connection", .text, "Its name."),
    .sometimes(
      "arguments", .oneOf([.map(.any), .pattern("^sha256:[0-9a-f]{64}$")]),
      "The arguments, or the SHA-256 of their canonical JSON."),
    .sometimes("target_count", .count, "Of a started command over several targets."),
  ]

  private static let error: [MessageSchema.Member] = [
    .sometimes("kind", .choice(CommandError.Kind.allCases.map(\.rawValue))),
    .sometimes("status_code", .integer(from: 100)),
    .sometimes("outcome", .choice(CommandError.Outcome.allCases.map(\.rawValue))),
  ]

  private static var outcome: [MessageSchema.Member] {
    [
      .sometimes("return_data", .choice(["Successful", "Partially Successful", "Failed"])),
      .sometimes("targets", .list(.reference("audit_target"))),
    ] + error + [
      .sometimes("message", .text, "Why it was refused, or why a check failed."),
      .sometimes("replayed", .boolean, "Whether the result is that of an earlier request."),
      .sometimes("meta", .reference("meta")),
    ]
  }

  private static let others: [MessageSchema.Member] = [
    .sometimes(
      "file",
      .object([
        .always("file_id", .text), .sometimes("name", .text), .sometimes("size", .count),
      ])),
    .sometimes("offset", .count, "Of the bytes that were read."),
    .sometimes("length", .count),
    .sometimes("status", .choice(["healthy", "unhealthy"]), "The new status of a connection."),
    .sometimes("consecutive_failures", .count),
    .sometimes("added", .list(.text), "Connections, of a reload."),
    .sometimes("changed", .list(.text)), .sometimes("removed", .list(.text)),
    .sometimes("rejected", .list(.text), "If there is one, nothing has changed."),
  ]
}
