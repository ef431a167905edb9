import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// The named connections and the recent inline connections.
package final class ConnectionStore: Sendable {
  /// Maximum number of cached inline connections. The cache lets consecutive calls share a sign-in.
  static let inlineConnections = 64
  /// Maximum size of a connections file in bytes.
  package static let maximumFileBytes = 16 * 1_024 * 1_024

  package struct Entry: Sendable {
    package let name: String
    package let open: OpenConnection
  }

  /// Maximum memory for the connections that callers put, and for the inline connections that are
  /// cached, in bytes; see `cost`.
  static let maximumCallerBytes = 64 * 1_024 * 1_024
  static let maximumInlineBytes = 16 * 1_024 * 1_024
  /// Maximum number of names in a message.
  private static let maximumNames = 20
  /// Maximum number of names that are compared for a suggestion.
  private static let maximumSuggestions = 1_000

  private struct State {
    var table = ConnectionTable()
    var inline: [(text: JSONFragment, open: OpenConnection, cost: Int)] = []
  }

  private let catalogue: Catalogue
  private let environment: ConnectionEnvironment
  private let state = Mutex(State())
  /// Receives the name of a connection whose settings a vendor has changed.
  private let listener = Mutex<(@Sendable (String) -> Void)?>(nil)

  package init(_ catalogue: Catalogue, _ environment: ConnectionEnvironment) {
    self.catalogue = catalogue
    self.environment = environment
  }

  // MARK: Reading

  /// Adds the connections of a connections file.
  ///
  /// - Parameters:
  ///   - isKept: whether to write new refresh tokens to the file at `path`.
  ///   - isReadableByOthers: whether other users can read the file.
  ///   - leavesOutUnknown: whether connections of integrations that cannot be used are left out.
  /// - Throws: all problems of the file, one per line.
  package func load(
    _ content: [UInt8], named path: String, isKept: Bool = false, isReadableByOthers: Bool = false,
    leavesOutUnknown: Bool = false
  ) throws(ConfigurationError) {
    environment.files.protect(path)
    let kept = isKept ? ConnectionsFile(path) : nil
    let file: JSON
    do {
      file = try JSON.parse(content)
    } catch {
      let position = error.lineAndColumn(in: content)
      throw ConfigurationError(
        "\(path):\(position.line):\(position.column): \(error.reason)",
        remedy: Self.formatRemedy)
    }
    guard let connections = file["connections"], connections.kind == .object else {
      throw ConfigurationError(
        "\(path): \"connections\" is required and must be an object",
        remedy: Self.formatRemedy)
    }
    var problems: [String] = []
    for member in connections.members {
      let name = member.name.string ?? ""
      let prefix = "\(path): /connections/\(name)"
      switch make(member.value, name: name, fromFile: true, keptIn: kept) {
      case .success(let open):
        // The operator decides about the size of the file.
        _ = state.withLock { $0.table.put(Entry(name: name, open: open), cost: 0) }
      case .failure(let found):
        // A plugin that is missing or cannot be used does not stop the host.
        if leavesOutUnknown, catalogue.integration(member.value["integration"]) == nil {
          let reason =
            catalogue.obstacle(to: member.value["integration"])?.message
            ?? found.lines(prefix: "").joined(separator: "; ")
          environment.log.error("the connection \(name) is left out: \(reason)")
        } else {
          problems += found.lines(prefix: prefix)
        }
      }
    }
    if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    if isReadableByOthers, connections.members.contains(where: { hasLiteralSecret($0.value) }) {
      environment.log.warning(
        "other users can read the secrets in \(path); run chmod 600 on it, or use $file or $env")
    }
  }

  private func hasLiteralSecret(_ connection: JSON) -> Bool {
    let integration = catalogue.integration(connection["integration"]?.string ?? "")
    return integration?.settingsShape.secretNames.contains { name in
      connection["settings"]?[name].map { setting in
        // A reference is an object with one member such as $file.
        setting.kind != .object
          || !setting.members.contains { $0.name.string?.hasPrefix("$") == true }
      } ?? false
    } ?? false
  }

  private static let formatRemedy =
    "A connections file is JSON: {\"connections\":{\"NAME\":{…}}}."

  /// Adds or replaces a connection of a caller.
  ///
  /// - Parameter mayBeStored: called when the connection is valid; if false, nothing changes.
  /// - Returns: whether it replaced a connection.
  package func put(
    _ json: JSON, name: String, mayBeStored: () -> Bool = { true }
  ) throws(ParameterProblems) -> Bool {
    let cost = cost(of: json)
    try refuse(cost, beyond: Self.maximumCallerBytes) { $0.table.cost - $0.table.cost(of: name) }
    let entry = Entry(name: name, open: try make(json, name: name, fromFile: false).get())
    guard mayBeStored() else { return false }
    // Released outside the lock, with its secrets.
    return state.withLock { $0.table.put(entry, cost: cost) } != nil
  }

  package func remove(_ name: String) -> Bool {
    state.withLock { $0.table.remove(name) } != nil
  }

  package var entries: [Entry] { state.withLock { $0.table.entries } }

  /// Differs after every change of the named connections.
  package var version: UInt64 { state.withLock { $0.table.version } }

  package func contains(_ name: String) -> Bool { state.withLock { $0.table[name] } != nil }

  /// The memory of a connection in bytes, about: its definition, and the encoded forms of secrets.
  private func cost(of json: JSON) -> Int {
    let secrets = json["settings"].map { settings in
      settings.members.reduce(0) { $0 + ($1.value.stringBytes?.count ?? 0) }
    }
    return 1_024 + json.withSource(\.count) + (secrets ?? 0) * Self.formsPerSecret
  }

  /// The sum of the lengths of the encoded forms of a secret, divided by its length, is below.
  private static let formsPerSecret = 64

  private func refuse(
    _ cost: Int, beyond maximum: Int, _ used: (State) -> Int
  ) throws(ParameterProblems) {
    let used = state.withLock { used($0) }
    guard cost + used > maximum else { return }
    throw ParameterProblems(
      ParameterProblem(
        "needs about \(cost) bytes; \(max(0, maximum - used)) of \(maximum) bytes for the "
          + "connections of callers are free; remove connections, or use a connections file"),
      of: ConnectionDefinition.shape)
  }

  // MARK: Making

  private func make(
    _ json: JSON, name: String?, fromFile: Bool, keptIn file: ConnectionsFile? = nil
  ) -> Result<OpenConnection, ParameterProblems> {
    Result { () throws(ParameterProblems) in
      let definition = try ConnectionDefinition.shape.decode(json) { ConnectionDefinition(&$0) }
      if !fromFile { try WireConnection.check(definition) }
      // Calls with a connection wait before they come here.
      if fromFile { catalogue.load(definition.integration) }
      guard let integration = catalogue.integration(definition.integration) else {
        let ids = catalogue.integrations.map(\.id)
        throw ParameterProblems(
          ParameterProblem(
            "unknown integration; expected one of: \(ids.joined(separator: ", "))",
            at: "integration",
            didYouMean: Suggestion.closest(to: definition.integration, among: ids)),
          of: ConnectionDefinition.shape)
      }
      if fromFile {
        let named = NamedFiles(of: definition)
        named.protect(in: environment.files)
        try named.check { environment.log.warning($0) }
      }
      try ConnectionRules.check(definition.rateLimits, of: integration)
      try ConnectionRules.check(definition.policy, of: integration)
      let connection = try Connection(
        name: name, definition, environment: environment,
        keeper: file.flatMap { file in name.map { keeper(of: $0, in: file) } })
      do throws(ParameterProblems) {
        let open = try integration.open(connection)
        // Now that it is valid. They are released with the connection.
        for name in integration.settingsShape.secretNames {
          if let secret = definition.settings[name]?.string { connection.secrets.add(secret) }
        }
        return open
      } catch {
        throw error.inside("settings")
      }
    }
  }

  private func keeper(of name: String, in file: ConnectionsFile) -> Connection.Keeper {
    Connection.Keeper(
      obstacle: { file.obstacle(toSetting: $0, of: name) },
      keep: { [weak self, environment] setting, value in
        do throws(ConnectionsFile.Fault) {
          try await file.set(setting, of: name, to: value)
        } catch {
          environment.log.warning(
            "cannot save the new \(setting) of the connection \(name): \(error.reason)")
          return error.reason
        }
        self?.listener.withLock { $0 }?(name)
        return nil
      },
      stored: { await file.value(of: $0, of: name) },
      lock: { (setting, deadline) async throws(CommandError) in
        try await file.lock(setting, of: name, until: deadline)
      })
  }

  /// Calls `listener` with the name of a connection whenever a vendor has changed its settings.
  package func reportChanges(to listener: @escaping @Sendable (String) -> Void) {
    self.listener.withLock { $0 = listener }
  }

  // MARK: Finding

  /// The connection of an invocation.
  func find(
    _ reference: ConnectionReference, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    switch reference {
    case .onlyOne: return try onlyOne(of: integration)
    case .json(let json) where json.kind == .object: return try inline(json, for: integration)
    case .json(let json):
      if let found = state.withLock({ $0.table.lastFound(named: json) }) {
        return try usable(found, for: integration)
      }
      guard let name = json.string else {
        throw .parameter("/connection", "must be the name of a connection or an object", nil)
      }
      return try usable(named: name, for: integration)
    case .named(let name): return try usable(named: name, for: integration)
    }
  }

  private func usable(
    named name: String, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    guard let found = state.withLock({ $0.table.find(name) }) else {
      let names = entries.map(\.name)
      throw .parameter(
        "/connection",
        names.isEmpty
          ? "unknown connection; no connections are configured"
          : "unknown connection; expected one of: \(Self.list(names))",
        Suggestion.closest(to: name, among: Array(names.prefix(Self.maximumSuggestions))))
    }
    return try usable(found, for: integration)
  }

  private func usable(
    _ open: OpenConnection, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    // Member by member: a copy of the whole definition is slow.
    guard open.connection.definition.integration == integration.id else {
      throw .parameter(
        "/connection",
        "belongs to \(open.connection.definition.integration), not to \(integration.id)", nil)
    }
    guard open.connection.definition.isActive else {
      throw .command(
        CommandError(
          .policy,
          open.connection.name.map { "The connection \($0) is inactive." }
            ?? "The inline connection is inactive.",
          remedy: "Set \"active\": true in the connection, or use another one."))
    }
    return open
  }

  private func onlyOne(
    of integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    if let only = state.withLock({ $0.table.onlyActive(of: integration.id) }) { return only.open }
    let fitting = entries.filter {
      let definition = $0.open.connection.definition
      return definition.integration == integration.id && definition.isActive
    }
    guard fitting.isEmpty else {
      throw .parameter(
        "/connection", "is required; expected one of: \(Self.list(fitting.map(\.name)))", nil)
    }
    throw .parameter(
      "/connection",
      """
      is required; no active connection of \(integration.id) is configured (use \
      --connections FILE, SALLYPORT_CONNECTIONS or --sandbox)
      """, nil)
  }

  private static func list(_ names: [String]) -> String {
    let more = names.count - maximumNames
    let shown = names.prefix(maximumNames).joined(separator: ", ")
    return more > 0 ? "\(shown), and \(more) more" : shown
  }

  private func inline(
    _ json: JSON, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    let text = JSONFragment(json)
    let known = state.withLock { state in state.inline.first { $0.text == text }?.open }
    if let known { return try usable(known, for: integration) }
    let open: OpenConnection
    let cost = cost(of: json)
    do throws(ParameterProblems) {
      try refuse(cost, beyond: Self.maximumInlineBytes) { _ in 0 }
      open = try make(json, name: nil, fromFile: false).get()
    } catch {
      throw .problems(error)
    }
    state.withLock { state in
      var used = state.inline.reduce(cost) { $0 + $1.cost }
      while state.inline.count >= Self.inlineConnections || used > Self.maximumInlineBytes {
        used -= state.inline.removeFirst().cost
      }
      state.inline.append((text, open, cost))
    }
    return try usable(open, for: integration)
  }

  // MARK: Showing

  /// Writes `{"connections":[…]}` without secrets.
  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.name("connections")
      writer.array { writer in
        for entry in entries { write(entry, to: &writer) }
      }
    }
  }

  private func write(_ entry: Entry, to writer: inout JSONWriter) {
    let definition = entry.open.connection.definition
    let secrets = catalogue.integration(definition.integration)?.settingsShape.secretNames ?? []
    writer.object { writer in
      writer.member("name", entry.name)
      writer.member("integration", definition.integration)
      writer.member(ifPresent: "description", definition.description)
      writer.member("active", definition.isActive)
      writer.name("settings")
      writer.object { writer in
        for setting in definition.settings.members {
          writer.name(copying: setting.name)
          if secrets.contains(setting.name.string ?? "") {
            writer.string(Redactor.replacement)
          } else {
            // Not with the secrets of other connections: a caller could guess them.
            let value = JSONFragment(setting.value)
            writer.value(
              entry.open.connection.secrets.search.replacement(json: value) ?? value)
          }
        }
      }
    }
  }
}

/// Why a connection cannot be used for an invoke.
enum ConnectionProblem: Error {
  case parameter(_ path: String, _ message: String, _ didYouMean: String?)
  case problems(ParameterProblems)
  case command(CommandError)
}

/// An invalid configuration. The host cannot start with it.
package struct ConfigurationError: Error, Sendable {
  /// One line per problem.
  package var message: String
  package var remedy: String?

  package init(_ message: String, remedy: String? = nil) {
    self.init(problems: [message], remedy: remedy)
  }

  /// - Parameter problems: a line each, whatever the names in them contain.
  init(problems: [String], remedy: String? = nil) {
    message = problems.map(\.visibleOnOneLine).joined(separator: "\n")
    self.remedy = remedy
  }
}
