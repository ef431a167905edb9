import Basics
import IntegrationKit
import JSON
import RPC

/// Finds out how the targets of a command are called, so that a question names what a user knows.
struct TargetNames: Sendable {
  /// Milliseconds that the question may be held up by it. Without an answer by then it has ids only.
  private static let timeoutMilliseconds = 5_000

  private let naming: TargetNaming
  private let request: InvokeRequest
  private let context: HostContext

  /// Nil for a command whose targets have no names, or whose caller may not read them.
  init?(of run: MCPFront.ToolRun, in context: HostContext) {
    guard let naming = run.request.command.about.targetNaming?(),
      run.request.arguments?[naming.parameter] != nil
    else { return nil }
    let params = JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", run.request.integration.id)
        writer.member("command", naming.command)
        writer.member(ifPresent: "connection", run.request.connection.connection.name)
        writer.member(
          "arguments",
          naming.arguments(for: run.request.arguments, limit: Confirmation.maximumNames))
        writer.name("options")
        writer.object {
          $0.member("timeout_ms", Self.timeoutMilliseconds)
          if naming.listsEverything { $0.member("all_pages", true) }
        }
      }
    }
    guard let request = try? InvokeRequest(params.json, in: context) else { return nil }
    self.naming = naming
    self.request = request
    self.context = context
  }

  /// Reads them. What cannot be read has no name.
  func read(for active: ActiveRequests.Request) async -> [String: String] {
    let run = InvokeRun(
      request: request, id: .null, context: context, active: active, events: nil)
    let (frame, _) = await run.answer()
    guard let rawData = JSONFragment(trusted: frame).json["result"]?["raw_data"] else { return [:] }
    return naming.names(in: rawData, items: request.command.about.items)
  }
}
