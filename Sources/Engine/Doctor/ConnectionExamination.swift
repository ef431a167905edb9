import Basics
import HTTP
import IntegrationKit
import JSON

/// The examination of one connection, check by check. A check that failed lets those behind it that
/// depend on it be skipped.
struct ConnectionExamination: Sendable {
  let name: String
  let definition: JSON
  let maker: ConnectionMaker
  let proxies: EnvironmentProxies
  let file: ConnectionsFile?
  let remarks: [String]
  let isReadableByOthers: Bool

  func run() async -> ConnectionDiagnosis {
    var diagnosis = ConnectionDiagnosis(
      name: name, integration: definition["integration"]?.string ?? "")
    await examine(&diagnosis)
    let done = Set(diagnosis.findings.map(\.check))
    for check in ConnectionDiagnosis.Check.allCases where !done.contains(check) {
      diagnosis.findings.append(.init(check, .skipped, Self.skipReason(diagnosis)))
    }
    let order = ConnectionDiagnosis.Check.allCases
    diagnosis.findings.sort {
      (order.firstIndex(of: $0.check) ?? 0) < (order.firstIndex(of: $1.check) ?? 0)
    }
    return diagnosis
  }

  private static func skipReason(_ diagnosis: ConnectionDiagnosis) -> String {
    diagnosis.findings.contains { $0.verdict == .failed }
      ? "an earlier check failed" : "the connection is inactive"
  }

  private func examine(_ diagnosis: inout ConnectionDiagnosis) async {
    guard await checkFiles(&diagnosis), let candidate = await candidate(&diagnosis) else {
      return list(commandsOf: diagnosis.integration, in: &diagnosis)
    }
    let integration = candidate.integration
    guard candidate.definition.isActive else {
      diagnosis.commands = integration.commands.map {
        .init(id: $0.id, outlook: .forbidden, message: "the connection is inactive")
      }
      return
    }
    let secrets = ReferencedSecrets(
      integration: integration, secrets: maker.environment.secrets)
    let read = await secrets.read(candidate.resolved)
    guard let open = opened(read, candidate, &diagnosis) else {
      return list(commandsOf: diagnosis.integration, in: &diagnosis)
    }
    await examineServers(open, &diagnosis)
    let granted = await credentials(open, integration, &diagnosis)
    diagnosis.commands = integration.commands.map {
      command($0, on: open, granted, diagnosis)
    }
  }

  /// For a connection that cannot be opened.
  private func list(commandsOf integration: String, in diagnosis: inout ConnectionDiagnosis) {
    diagnosis.commands = (maker.catalogue.integration(integration)?.commands ?? []).map {
      .init(id: $0.id, outlook: .notVerified, message: "an earlier check failed")
    }
  }

  // MARK: Definition

  /// - Returns: whether the connection can be used.
  private func checkFiles(_ diagnosis: inout ConnectionDiagnosis) async -> Bool {
    let json = definition
    let found = try? await BlockingWork.helpers.run {
      // A definition with faults is reported by the next check.
      let definition = try? ConnectionDefinition.shape.decode(json) { ConnectionDefinition(&$0) }
      return definition.map { (NamedFiles(of: $0).findings(), NamedFiles(of: $0).count) }
    }
    guard let (findings, count) = found ?? nil else { return true }
    let faults = findings.filter(\.isFault).map(\.text)
    guard faults.isEmpty else {
      diagnosis.findings.append(
        .init(
          .files, .failed, faults.joined(separator: "; "),
          remedy: "Correct the path, the owner or the mode of the file."))
      return false
    }
    var notes = remarks + findings.map(\.text)
    if isReadableByOthers, ConfiguredConnections.hasLiteralSecret(definition, maker.catalogue) {
      notes.append("other users can read the secrets in the connections file")
    }
    let files = count == 0 ? "no further files" : "\(count) \(count == 1 ? "file" : "files")"
    diagnosis.findings.append(
      .init(
        .files, .ok, notes.isEmpty ? files : notes.joined(separator: "; "),
        remedy: notes.isEmpty ? nil : "Run chmod 600 on the file."))
    return true
  }

  private func candidate(
    _ diagnosis: inout ConnectionDiagnosis
  ) async -> ConnectionMaker.Candidate? {
    let result: Result<ConnectionMaker.Candidate, ParameterProblems>
    do throws(BlockingWork.Interruption) {
      // It may start a plugin, and run programs for references.
      result = try await BlockingWork.helpers.run { [maker, definition] in
        Result { () throws(ParameterProblems) in try maker.candidate(definition) }
      }
    } catch {
      diagnosis.findings.append(.init(.settings, .failed, "the connection could not be read"))
      return nil
    }
    switch result {
    case .success(let candidate): return candidate
    case .failure(let problems):
      let obstacle = maker.catalogue.obstacle(to: definition["integration"])
      diagnosis.findings.append(
        .init(
          .settings, .failed,
          obstacle?.message ?? problems.lines(prefix: "").joined(separator: "; "),
          remedy: obstacle?.remedy ?? "Correct the connection in the file."))
      return nil
    }
  }

  private func opened(
    _ read: ReferencedSecrets.Outcome, _ candidate: ConnectionMaker.Candidate,
    _ diagnosis: inout ConnectionDiagnosis
  ) -> OpenConnection? {
    var environment = maker.environment
    environment.transport = ProbeTransport(environment.transport)
    do throws(ParameterProblems) {
      let own = ConnectionMaker(catalogue: maker.catalogue, environment: environment)
      let (log, name) = (environment.log, name)
      let keeper = file.map { file in
        Connection.Keeper(of: name, in: file) { setting, reason in
          log.warning(
            "cannot save the new \(setting) of the connection \(name): \(reason)")
        }
      }
      let open = try own.open(
        candidate.with(read.connection), name: name, keeper: keeper)
      diagnosis.findings.append(.init(.settings, .ok, "valid"))
      guard read.faults.isEmpty else {
        diagnosis.findings.append(
          .init(
            .references, .failed, read.faults.map(\.text).joined(separator: "; "),
            remedy: read.faults.first?.remedy))
        return open
      }
      diagnosis.findings.append(
        read.names.isEmpty
          ? .init(.references, .skipped, "no references to secrets")
          : .init(.references, .ok, read.names.joined(separator: ", ")))
      return open
    } catch {
      let isReference = !read.names.isEmpty
      diagnosis.findings.append(
        .init(
          isReference ? .references : .settings, .failed,
          error.lines(prefix: "").joined(separator: "; "),
          remedy: isReference
            ? "Correct the value that the setting refers to."
            : "Correct the connection in the file."))
      return nil
    }
  }

  // MARK: Servers

  private func examineServers(
    _ open: OpenConnection, _ diagnosis: inout ConnectionDiagnosis
  ) async {
    let servers = ((open.client as? any DiagnosableClient)?.servers ?? [])
    guard !servers.isEmpty else {
      diagnosis.findings += [.dns, .proxy, .connect, .tls, .clock].map {
        .init($0, .notVerified, "the integration names no server")
      }
      return
    }
    var route = open.connection.channel.route
    if case .literal(let password) = open.connection.definition.tls?.clientKeyPassword {
      route.clientKeyPassword = password
    }
    // Servers that differ in their paths only are one.
    var seen: Set<String> = []
    let distinct = servers.filter { seen.insert("\($0.isSecure) \($0.host):\($0.port)").inserted }
    let findings = await concurrentMap(distinct, limit: distinct.count) { [route] server in
      await ServerExamination(
        server: server, transport: maker.environment.transport, route: route, proxies: proxies
      ).findings()
    }
    diagnosis.findings += ServerExamination.summary(of: findings.compactMap(\.self))
  }
}
