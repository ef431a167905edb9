import Basics
import HTTP
import IntegrationKit

/// Whether the vendor accepts the credentials, and what follows for the commands.
extension ConnectionExamination {
  /// Milliseconds of the sign-in and the first read.
  private static let askMilliseconds = 60_000
  private static let testCommand = "test_connection"

  func credentials(
    _ open: OpenConnection, _ integration: RegisteredIntegration,
    _ diagnosis: inout ConnectionDiagnosis
  ) async -> GrantedPermissions? {
    let failed = diagnosis.findings.contains { $0.verdict == .failed && $0.check != .clock }
    guard !failed else { return nil }
    guard let test = integration.commands.first(where: { $0.id == Self.testCommand }),
      test.effect == .read
    else {
      diagnosis.findings.append(
        .init(.credentials, .notVerified, "the integration has no Test Connection"))
      return nil
    }
    if let refusal = open.refusal(of: test) {
      diagnosis.findings.append(
        .init(.credentials, .notVerified, "Test Connection is not allowed: \(refusal)"))
      return nil
    }
    do throws(CommandError) {
      let granted = try await ask(open, test)
      diagnosis.findings.append(.init(.credentials, .ok, "accepted"))
      return granted
    } catch {
      diagnosis.findings.append(Self.finding(of: error))
      guard error.kind == .permission else {
        diagnosis.couldNotAsk = error.kind != .auth
        return nil
      }
      return GrantedPermissions { command in
        command == Self.testCommand
          ? .missing("for Test Connection") : .unknown("the vendor refuses Test Connection")
      }
    }
  }

  private func ask(
    _ open: OpenConnection, _ test: RegisteredCommand
  ) async throws(CommandError) -> GrantedPermissions? {
    let invocation = Invocation(
      test.metadata, id: test.id, on: open.connection, options: .none,
      deadline: Deadline(inMilliseconds: Self.askMilliseconds), events: nil)
    defer { invocation.releaseMemory() }
    if let client = open.client as? any DiagnosableClient,
      let granted = try await client.permissions(in: invocation)
    {
      return granted
    }
    let ready: any ReadyCommand
    do throws(ParameterProblems) {
      ready = try test.ready(nil, on: open)
    } catch {
      throw CommandError(.validation, error.lines(prefix: "").joined(separator: "; "))
    }
    _ = try await ready.run(in: invocation)
    return GrantedPermissions { command in
      command == Self.testCommand
        ? .granted(nil) : .unknown("the integration does not say what the credentials permit")
    }
  }

  private static func finding(of error: CommandError) -> ConnectionDiagnosis.Finding {
    switch error.kind {
    case .auth:
      .init(
        .credentials, .failed, "refused: \(error.statusCode) \(error.message)",
        remedy: error.remedy)
    case .permission:
      .init(
        .credentials, .notVerified, "Test Connection is refused: \(error.message)",
        remedy: error.remedy)
    default:
      .init(
        .credentials, .notVerified, "\(error.statusCode) \(error.message)", remedy: error.remedy)
    }
  }

  // MARK: Commands

  func command(
    _ command: RegisteredCommand, on open: OpenConnection, _ granted: GrantedPermissions?,
    _ diagnosis: ConnectionDiagnosis
  ) -> ConnectionDiagnosis.Command {
    if let refusal = open.refusal(of: command) {
      return .init(id: command.id, outlook: .forbidden, message: refusal)
    }
    guard let granted else {
      let isFailed = diagnosis.findings.contains { $0.verdict == .failed }
      return .init(
        id: command.id, outlook: .notVerified,
        message: isFailed ? "an earlier check failed" : "the credentials are not verified")
    }
    switch granted(command.id) {
    case .granted(let note): return .init(id: command.id, outlook: .willRun, message: note ?? "")
    case .missing(let permission):
      return .init(
        id: command.id, outlook: .lacksPermission, message: "lacks permission \(permission)")
    case .unknown(let reason):
      return .init(id: command.id, outlook: .notVerified, message: reason)
    }
  }
}
