import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// The connections that callers can name, and those that they gave inline a short while ago.
package final class ConnectionStore: Sendable {
  /// Inline connections that are kept, so that calls in a row share a sign-in.
  static let inlineConnections = 64
  /// Bytes of a connections file.
  package static let maximumFileBytes = 16 * 1_024 * 1_024

  package struct Entry: Sendable {
    package let name: String
    package let open: OpenConnection
  }

  private struct State {
    var entries: [Entry] = [] {
      didSet { names = JSONNames(entries.map(\.name)) }
    }
    private(set) var names = JSONNames([])
    var inline: [(text: JSONFragment, open: OpenConnection)] = []
  }

  private let catalogue: Catalogue
  private let environment: ConnectionEnvironment
  private let state = Mutex(State())
  /// Told the name of a connection whose settings a vendor has changed.
  private let listener = Mutex<(@Sendable (String) -> Void)?>(nil)

  package init(_ catalogue: Catalogue, _ environment: ConnectionEnvironment) {
    self.catalogue = catalogue
    self.environment = environment
  }

  // MARK: Reading

  /// Adds every connection of a file's content.
  ///
  /// - Parameter isKept: whether new refresh tokens are written to the file of that name.
  /// - Throws: everything that is wrong with it, a line each.
  package func load(
    _ content: [UInt8], named path: String, isKept: Bool = false
  ) throws(ConfigurationError) {
    environment.files.protect(path)
    let kept = isKept ? ConnectionsFile(path) : nil
    let file: JSON
    do {
      file = try JSON.parse(content)
    } catch {
      let place = error.lineAndColumn(in: content)
      throw ConfigurationError(
        "\(path):\(place.line):\(place.column): \(error.reason)",
        remedy: "A connections file is JSON: {\"connections\":{\"NAME\":{…}}}.")
    }
    guard let connections = file["connections"], connections.kind == .object else {
      throw ConfigurationError(
        "\(path): there is no object \"connections\"",
        remedy: "A connections file is JSON: {\"connections\":{\"NAME\":{…}}}.")
    }
    var faults: [String] = []
    for member in connections.members {
      let name = member.name.string ?? ""
      let prefix = "\(path): /connections/\(name)"
      switch make(member.value, name: name, fromFile: true, keptIn: kept) {
      case .success(let open): keep(Entry(name: name, open: open))
      case .failure(let problems): faults += problems.lines(prefix: prefix)
      }
    }
    if !faults.isEmpty { throw ConfigurationError(faults.joined(separator: "\n")) }
  }

  /// Adds or replaces a connection that a caller gave.
  ///
  /// - Returns: whether there was one of that name.
  package func put(_ json: JSON, name: String) throws(ParameterProblems) -> Bool {
    keep(Entry(name: name, open: try make(json, name: name, fromFile: false).get()))
  }

  @discardableResult
  private func keep(_ entry: Entry) -> Bool {
    state.withLock { state in
      let old = state.entries.firstIndex { $0.name == entry.name }
      if let old { state.entries[old] = entry } else { state.entries.append(entry) }
      return old != nil
    }
  }

  package func remove(_ name: String) -> Bool {
    state.withLock { state in
      let count = state.entries.count
      state.entries.removeAll { $0.name == name }
      return state.entries.count < count
    }
  }

  package var entries: [Entry] { state.withLock { $0.entries } }

  // MARK: Making

  private func make(
    _ json: JSON, name: String?, fromFile: Bool, keptIn file: ConnectionsFile? = nil
  ) -> Result<OpenConnection, ParameterProblems> {
    Result { () throws(ParameterProblems) in
      let definition = try ConnectionDefinition.shape.decode(json) { ConnectionDefinition(&$0) }
      guard let integration = catalogue.integration(definition.integration) else {
        let ids = catalogue.integrations.map(\.id)
        throw ParameterProblems(
          ParameterProblem(
            "must be one of \(ids.joined(separator: ", "))", at: "integration",
            didYouMean: Suggestion.closest(to: definition.integration, among: ids)),
          of: ConnectionDefinition.shape)
      }
      registerSecrets(integration, definition.settings)
      protectFiles(definition)
      if !fromFile { try refuseReferences(definition.settings) }
      try refuseUnknownLimits(definition.rateLimits, integration)
      try refusePatternsWithoutMatch(definition.policy, integration)
      let connection = try Connection(
        name: name, definition, environment: environment,
        keeper: file.flatMap { file in name.map { keeper(of: $0, in: file) } })
      do throws(ParameterProblems) {
        return try integration.open(connection)
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
            "the new \(setting) of the connection \(name) is not kept: \(error.reason)")
          return error.reason
        }
        self?.listener.withLock { $0 }?(name)
        return nil
      })
  }

  /// Has somebody told when a vendor has changed the settings of a connection, by name.
  package func tellChanges(to listener: @escaping @Sendable (String) -> Void) {
    self.listener.withLock { $0 = listener }
  }

  /// Secrets are kept out of all output from the moment they are known, also when the connection
  /// they came with is not usable.
  private func registerSecrets(_ integration: RegisteredIntegration, _ settings: JSON) {
    for name in integration.settingsShape.secretNames {
      if let secret = settings[name]?.string { environment.secrets.add(secret) }
    }
  }

  /// Files with secrets in them are not handed to callers as files.
  private func protectFiles(_ definition: ConnectionDefinition) {
    if let key = definition.tls?.clientKey { environment.files.protect(key) }
    for setting in definition.settings.members {
      if let path = setting.value["$file"]?.string { environment.files.protect(path) }
    }
  }

  /// A caller must not make the host read files, variables or run programs.
  private func refuseReferences(_ settings: JSON) throws(ParameterProblems) {
    for member in settings.members
    where member.value.members.contains(where: { $0.name.string?.hasPrefix("$") == true }) {
      throw ParameterProblems(
        ParameterProblem(
          "is a reference, which only a connections file may hold; give the value itself",
          at: member.name.string),
        of: ConnectionDefinition.shape
      ).inside("settings")
    }
  }

  /// A limit for a command that does not exist would limit nothing, in silence.
  private func refuseUnknownLimits(
    _ limits: JSON?, _ integration: RegisteredIntegration
  ) throws(ParameterProblems) {
    guard let limits else { return }
    let buckets = Set(integration.commands.compactMap(\.metadata.rateLimit?.bucket))
    let known =
      ["default", "sign_in"] + buckets.subtracting(["default"]).sorted()
      + integration.commands.map(\.id)
    for member in limits.members {
      let name = member.name.string ?? ""
      if known.contains(name) { continue }
      throw ParameterProblems(
        ParameterProblem(
          "is no command of \(integration.id) and no bucket of its limits", at: name,
          didYouMean: Suggestion.closest(to: name, among: known)),
        of: ConnectionDefinition.shape
      ).inside("rate_limits")
    }
  }

  /// A slip in a policy would forbid nothing, in silence.
  private func refusePatternsWithoutMatch(
    _ policy: ConnectionPolicy?, _ integration: RegisteredIntegration
  ) throws(ParameterProblems) {
    guard let policy else { return }
    let ids = integration.commands.map(\.id)
    for (list, patterns) in [("allow", policy.allow ?? []), ("deny", policy.deny)] {
      for (position, pattern) in patterns.enumerated()
      where !ids.contains(where: { Glob.matches(pattern, $0) }) {
        throw ParameterProblems(
          ParameterProblem(
            "matches no command of \(integration.id)", at: String(position),
            didYouMean: Suggestion.closest(to: pattern, among: ids)),
          of: ConnectionDefinition.shape
        ).inside(list).inside("policy")
      }
    }
  }

  // MARK: Finding

  /// The connection that an invocation names.
  func find(
    _ reference: ConnectionReference, for integration: RegisteredIntegration
  ) throws(ConnectionFault) -> OpenConnection {
    switch reference {
    case .onlyOne: return try onlyOne(of: integration)
    case .json(let json) where json.kind == .object: return try inline(json, for: integration)
    case .json(let json):
      guard json.kind == .string else {
        throw .parameter("/connection", "must be the name of a connection or an object", nil)
      }
      let found = state.withLock { state in
        state.names.position(of: json).map { state.entries[$0].open }
      }
      return try usable(found, named: json.string ?? "", for: integration)
    case .named(let name):
      let found = state.withLock { state in state.entries.first { $0.name == name }?.open }
      return try usable(found, named: name, for: integration)
    }
  }

  private func usable(
    _ found: OpenConnection?, named name: String, for integration: RegisteredIntegration
  ) throws(ConnectionFault) -> OpenConnection {
    guard let found else {
      let names = entries.map(\.name)
      throw .parameter(
        "/connection",
        names.isEmpty
          ? "is unknown: no connections are configured"
          : "is unknown; there is \(names.joined(separator: ", "))",
        Suggestion.closest(to: name, among: names))
    }
    return try usable(found, for: integration)
  }

  private func usable(
    _ open: OpenConnection, for integration: RegisteredIntegration
  ) throws(ConnectionFault) -> OpenConnection {
    let definition = open.connection.definition
    guard definition.integration == integration.id else {
      throw .parameter(
        "/connection", "is one of \(definition.integration), not of \(integration.id)", nil)
    }
    guard definition.isActive else {
      throw .command(
        CommandError(
          .policy, "The connection \(open.connection.name ?? "given") is inactive.",
          remedy: "Set \"active\": true for it, or use another connection."))
    }
    return open
  }

  private func onlyOne(
    of integration: RegisteredIntegration
  ) throws(ConnectionFault) -> OpenConnection {
    let fitting = state.withLock { state in
      state.entries.filter {
        let definition = $0.open.connection.definition
        return definition.integration == integration.id && definition.isActive
      }
    }
    guard let only = fitting.first else {
      throw .parameter(
        "/connection",
        """
        is required: no active connection of \(integration.id) is configured; --connections FILE, \
        SALLYPORT_CONNECTIONS or --sandbox gives one
        """, nil)
    }
    guard fitting.count == 1 else {
      throw .parameter(
        "/connection",
        "is required: there is \(fitting.map(\.name).joined(separator: ", "))", nil)
    }
    return only.open
  }

  private func inline(
    _ json: JSON, for integration: RegisteredIntegration
  ) throws(ConnectionFault) -> OpenConnection {
    let text = JSONFragment(json)
    let known = state.withLock { state in state.inline.first { $0.text == text }?.open }
    if let known { return try usable(known, for: integration) }
    let open: OpenConnection
    do throws(ParameterProblems) {
      open = try make(json, name: nil, fromFile: false).get()
    } catch {
      throw .problems(error)
    }
    state.withLock { state in
      if state.inline.count >= Self.inlineConnections { state.inline.removeFirst() }
      state.inline.append((text, open))
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
            writer.value(setting.value)
          }
        }
      }
    }
  }
}

/// Why a connection cannot be used for an invoke.
enum ConnectionFault: Error {
  case parameter(_ path: String, _ message: String, _ didYouMean: String?)
  case problems(ParameterProblems)
  case command(CommandError)
}

/// A configuration that the host cannot start with.
package struct ConfigurationError: Error, Sendable {
  /// One line for each fault.
  package var message: String
  package var remedy: String?

  package init(_ message: String, remedy: String? = nil) {
    self.message = message
    self.remedy = remedy
  }
}
