import Basics
import IntegrationKit
import JSON
import Redaction

/// The line of the audit file for one command that ran.
struct AuditRecord {
  let json: JSONFragment

  /// Which members are text of callers and vendors.
  static let layout = MessageLayout.object([
    "time": .own, "id": .foreign, "integration": .own, "command": .own, "effect": .own,
    "connection": .own, "arguments": .foreign, "return_data": .own, "kind": .own,
    "status_code": .own, "outcome": .own, "duration_ms": .own,
  ])

  init(of invocation: PreparedInvocation, _ outcome: Outcome, id: JSONFragment) {
    let request = invocation.request
    json = JSONFragment { writer in
      writer.object { writer in
        writer.member("time", WallClock.rfc3339(WallClock.nowMilliseconds))
        writer.member("id", id)
        writer.member("integration", request.integration.id)
        writer.member("command", request.command.id)
        writer.member("effect", request.command.effect.rawValue)
        writer.member(ifPresent: "connection", invocation.connection.connection.name)
        Self.writeArguments(of: request, to: &writer)
        writer.member("return_data", outcome.returnData)
        if let error = outcome.error {
          writer.member("kind", error.kind.rawValue)
          writer.member("status_code", error.statusCode)
          writer.member("outcome", error.outcome.rawValue)
        }
        writer.member("duration_ms", outcome.durationMilliseconds)
      }
    }
  }

  /// Writes the member `arguments`, if there are any, with credentials redacted.
  private static func writeArguments(of request: InvocationRequest, to writer: inout JSONWriter) {
    guard let arguments = request.arguments else { return }
    let secrets = request.command.shape.secretNames
    writer.name("arguments")
    guard !secrets.isEmpty else { return writer.value(arguments) }
    writer.object { writer in
      for argument in arguments.members {
        writer.name(copying: argument.name)
        if secrets.contains(argument.name.string ?? "") {
          writer.string(Redactor.replacement)
        } else {
          writer.value(argument.value)
        }
      }
    }
  }
}
