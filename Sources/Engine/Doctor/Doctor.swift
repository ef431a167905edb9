import Basics
import HTTP
import IntegrationKit
import JSON

/// Examines connections before their first use: `sallyport doctor`.
package struct Doctor: Sendable {
  /// Maximum number of connections that are examined at a time.
  private static let maximumAtOnce = 8

  private let maker: ConnectionMaker
  private let proxies: EnvironmentProxies
  private let connections: [(name: String, definition: JSON)]
  /// Nil for connections that are in no file.
  private let file: ConnectionsFile?
  /// What is wrong with the mode of the connections file, without being a fault.
  private let remarks: [String]
  private let isReadableByOthers: Bool

  /// - Parameter path: of the connections file. Blocks while it is read.
  /// - Throws: if the file cannot be read, or is no connections file.
  package init(
    file path: String, _ catalogue: Catalogue, _ environment: ConnectionEnvironment,
    _ proxies: EnvironmentProxies
  ) throws(ConfigurationError) {
    var remarks: [String] = []
    let content: TrustedFile.Content
    do throws(FileError) {
      content = try TrustedFile.read(path, limit: ConnectionStore.maximumFileBytes) {
        remarks.append($0)
      }
    } catch {
      throw ConfigurationError("cannot read the connections file: \(error)")
    }
    self.init(
      try ConfiguredConnections.connections(in: content.bytes, of: path), ConnectionsFile(path),
      remarks, isReadableByOthers: content.isReadableByOthers, catalogue, environment, proxies)
  }

  /// Examines the connections of the host itself, such as those of the emulated vendors.
  package init(
    content: [UInt8], named path: String, _ catalogue: Catalogue,
    _ environment: ConnectionEnvironment, _ proxies: EnvironmentProxies
  ) throws(ConfigurationError) {
    self.init(
      try ConfiguredConnections.connections(in: content, of: path), nil, [],
      isReadableByOthers: false, catalogue, environment, proxies)
  }

  private init(
    _ connections: JSON, _ file: ConnectionsFile?, _ remarks: [String], isReadableByOthers: Bool,
    _ catalogue: Catalogue, _ environment: ConnectionEnvironment, _ proxies: EnvironmentProxies
  ) {
    // Of repeated names the last one counts.
    let last = Dictionary(
      connections.members.enumerated().map { ($1.name.string ?? "", $0) },
      uniquingKeysWith: { $1 })
    self.connections = connections.members.enumerated().compactMap { position, member in
      let name = member.name.string ?? ""
      return last[name] == position ? (name, member.value) : nil
    }
    self.file = file
    self.remarks = remarks
    self.isReadableByOthers = isReadableByOthers
    self.proxies = proxies
    maker = ConnectionMaker(catalogue: catalogue, environment: environment)
  }

  package var names: [String] { connections.map(\.name) }

  /// Examines the connections with these names.
  ///
  /// - Parameter progress: called after each connection, from any thread, with their number so far.
  /// - Returns: in the order of the file; redacted.
  package func examine(
    _ names: Set<String>, progress: @escaping @Sendable (Int) -> Void
  ) async -> [ConnectionDiagnosis] {
    let chosen = connections.filter { names.contains($0.name) }
    let count = TaskCounter()
    let diagnoses = await concurrentMap(chosen, limit: Self.maximumAtOnce) { connection in
      let examination = ConnectionExamination(
        name: connection.name, definition: connection.definition, maker: maker, proxies: proxies,
        file: file, remarks: remarks, isReadableByOthers: isReadableByOthers)
      let diagnosis = await examination.run()
      progress(count.next())
      return diagnosis
    }
    return diagnoses.compactMap(\.self).map(redacted)
  }

  /// Messages may quote vendors and programs.
  private func redacted(_ diagnosis: ConnectionDiagnosis) -> ConnectionDiagnosis {
    let redactor = maker.environment.secrets
    var diagnosis = diagnosis
    for position in diagnosis.findings.indices {
      diagnosis.findings[position].message = redactor.redact(diagnosis.findings[position].message)
      diagnosis.findings[position].remedy = diagnosis.findings[position].remedy.map(redactor.redact)
    }
    for position in diagnosis.commands.indices {
      diagnosis.commands[position].message = redactor.redact(diagnosis.commands[position].message)
    }
    return diagnosis
  }
}
