import Basics
import Crypto
import IntegrationKit
import JSON
import Redaction

/// The events of the audit file.
package enum AuditEvent: String, CaseIterable, Sendable {
  /// A request was rejected: validation, policy, read-only, not confirmed.
  case refused
  /// A command is about to send its first request.
  case started
  /// A command has ended.
  case finished
  case connectionPut = "connection_put"
  case connectionRemoved = "connection_removed"
  case connectionReloaded = "connection_reloaded"
  case filePut = "file_put"
  case fileRead = "file_read"
  case fileRemoved = "file_removed"
  case healthChanged = "health_changed"
}

extension AuditFile {
  /// Which members are text of callers and vendors.
  private static let layout = MessageLayout.object([
    "event": .own, "host": .own, "user": .own,
    "client": .object(["name": .foreign, "version": .foreign]), "id": .foreign, "method": .own,
    "trace_id": .own, "span_id": .own, "label": .foreign, "integration": .own, "command": .own,
    "effect": .own, "connection": .own,
    "arguments": .foreign, "target_count": .own, "return_data": .own,
    "targets": .list(
      of: .object([
        "target": .foreign, "return_data": .own, "kind": .own, "status_code": .own,
        "outcome": .own,
      ])), "kind": .own, "status_code": .own, "message": .foreign, "outcome": .own, "meta": .own,
    "replayed": .own, "status": .own, "consecutive_failures": .own,
    "file": .object(["file_id": .own, "name": .foreign, "size": .own]),
    "offset": .own, "length": .own, "added": .own, "changed": .own, "removed": .own,
    "rejected": .own,
  ])

  /// A record without the members that its place in the file decides.
  func record(
    _ event: AuditEvent, of caller: AuditCaller, _ write: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    let written = JSONFragment { writer in
      writer.object { writer in
        writer.member("event", event.rawValue)
        origin.write(to: &writer)
        writer.name("client")
        if let client = caller.client {
          writer.object {
            $0.member("name", client.name)
            $0.member(ifPresent: "version", client.version)
          }
        } else {
          writer.null()
        }
        writer.member("id", caller.id)
        write(&writer)
      }
    }
    return secrets.redact(json: written.bytes, Self.layout)
  }
}

/// The arguments of a call in the audit file.
struct AuditArguments {
  /// Larger arguments are recorded by their digest.
  static let maximumBytes = 1_024 * 1_024

  let value: JSON?
  let shape: ParameterShape
  let mode: AuditOptions.Arguments

  /// Writes the member `arguments`, if there are any, with credentials redacted.
  func write(to writer: inout JSONWriter) {
    guard let value, mode != .none else { return }
    writer.name("arguments")
    let bytes = value.withSource { $0.count }
    if mode == .hash || bytes > Self.maximumBytes {
      writer.string(digest)
    } else {
      writeRedacted(to: &writer)
    }
  }

  /// Such as `sha256:…`, of the canonical JSON without credentials: those could be guessed.
  private var digest: String {
    let text = JSONFragment { writeRedacted(to: &$0) }.canonicalText
    let digest = try? Digest.hex(.sha256, Array(text.utf8))
    return "sha256:" + (digest ?? "")
  }

  private func writeRedacted(to writer: inout JSONWriter) {
    let secrets = shape.secretNames
    guard let value, value.kind == .object, !secrets.isEmpty else {
      return value.map { writer.value($0) } ?? writer.null()
    }
    writer.object { writer in
      for argument in value.members {
        writer.name(copying: argument.name)
        let name = argument.name.string ?? ""
        // An unknown one may be a credential with a misspelled name.
        if secrets.contains(name) || !shape.names.contains(name) {
          writer.string(Redactor.replacement)
        } else {
          writer.value(argument.value)
        }
      }
    }
  }
}
