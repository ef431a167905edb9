import Basics
import IntegrationKit
import JSON

/// The description of a tool in `tools/list`.
extension Tool {
  func write(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      if caller.revision.hasStructuredContent { writer.member("title", title) }
      writer.member("description", description)
      writer.name("inputSchema")
      writeInputSchema(to: &writer)
      if caller.revision.hasStructuredContent {
        writer.name("outputSchema")
        ToolOutput.writeSchema(of: command, to: &writer)
      }
      if caller.revision.hasAnnotations {
        ToolAnnotations(
          title: title, isReadOnly: command.effect == .read,
          isDestructive: command.metadata.replacesOrRemoves,
          isIdempotent: command.metadata.isIdempotent
        )
        .write(to: &writer)
      }
    }
  }

  /// The description for models.
  var description: String {
    let metadata = command.metadata
    var sentences = ["\(metadata.description)"] + command.shape.ruleSentences
    switch command.effect {
    case .read: break
    case .write: sentences.append("This changes data at the vendor.")
    case .destructive: sentences.append("This cannot be undone.")
    }
    if command.canPartlySucceed {
      sentences.append("Some targets may fail while others succeed; targets lists the outcomes.")
    }
    if let readBack = metadata.readBack {
      sentences.append("\(Self.name(integration.id, "\(readBack)")) shows whether it was applied.")
    }
    if !metadata.permissions.isEmpty {
      sentences.append(
        "Required permissions: \(metadata.permissions.map { "\($0)" }.joined(separator: ", ")).")
    }
    return sentences.joined(separator: " ")
  }

  private func writeInputSchema(to writer: inout JSONWriter) {
    command.shape.writeToolSchema(
      to: &writer, source: { Self.name(integration.id, "\($0)") },
      requiring: needsConnection ? ["connection"] : [],
      writeOthers: { if needsConnection { writeConnection(to: &$0) } })
  }

  private func writeConnection(to writer: inout JSONWriter) {
    writer.name("connection")
    writer.object { writer in
      writer.member("title", "Connection")
      writer.member("description", "The \(integration.metadata.title) connection to use.")
      writer.member("type", "string")
      writer.name("enum")
      writer.array { for name in connections { $0.string(name) } }
    }
  }
}

/// Hints for clients.
struct ToolAnnotations {
  let title: String
  let isReadOnly: Bool
  /// Whether it may overwrite something or take something away.
  let isDestructive: Bool
  let isIdempotent: Bool

  func write(to writer: inout JSONWriter) {
    writer.name("annotations")
    writer.object {
      $0.member("title", title)
      $0.member("readOnlyHint", isReadOnly)
      $0.member("destructiveHint", isDestructive)
      $0.member("idempotentHint", isIdempotent)
      $0.member("openWorldHint", true)
    }
  }
}

/// The schema of `structuredContent`: the result of an invoke, or the data of its error.
enum ToolOutput {
  static func writeSchema(of command: RegisteredCommand?, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("type", "object")
      writer.name("properties")
      writer.object { writer in
        writer.property("return_data") { writer in
          writer.member("type", "string")
          writer.name("enum")
          writer.array {
            for value in ["Successful", "Partially Successful", "Failed"] { $0.string(value) }
          }
        }
        writer.name("raw_data")
        // Clients reject a result that violates its schema, but the vendor's data is unchanged.
        (command?.metadata.result() ?? .any).writeSchema(to: &writer, isBinding: false)
        writer.property("preview") {
          $0.member("type", "array")
          $0.member("description", "The first items of data that was stored as a file.")
        }
        for name in ["targets", "errors", "files", "events", "notices", "problems"]
          as [StaticString]
        {
          writer.property(name) { $0.member("type", "array") }
        }
        for name in [
          "cursor", "failure_indicator", "message", "kind", "outcome", "remedy",
        ] as [StaticString] {
          writer.property(name) { $0.member("type", "string") }
        }
        for name in ["status_code", "retry_after_ms"] as [StaticString] {
          writer.property(name) { $0.member("type", "integer") }
        }
        writer.property("retryable") { $0.member("type", "boolean") }
        writer.property("meta") { $0.member("type", "object") }
      }
      writer.name("required")
      writer.array { $0.string("return_data") }
    }
  }
}

extension JSONWriter {
  /// Writes the schema of a property.
  mutating func property(_ name: StaticString, _ write: (inout JSONWriter) -> Void) {
    self.name(name)
    object(write)
  }
}
