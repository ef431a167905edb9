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
  /// Receives the name of a connection whose settings a vendor has changed.
  private let listener = Mutex<(@Sendable (String) -> Void)?>(nil)

  package init(_ catalogue: Catalogue, _ environment: ConnectionEnvironment) {
    self.catalogue = catalogue
    self.environment = environment
  }

  // MARK: Reading

  /// Adds the connections of a connections file.
  ///
  /// - Parameter isKept: whether to write new refresh tokens to the file at `path`.
  /// - Throws: all problems of the file, one per line.
  package func load(
    _ content: [UInt8], named path: String, isKept: Bool = false
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
      case .success(let open): keep(Entry(name: name, open: open))
      case .failure(let found): problems += found.lines(prefix: prefix)
      }
    }
    if !problems.isEmpty { throw ConfigurationError(problems.joined(separator: "\n")) }
  }

  private static let formatRemedy =
    "A connections file is JSON: {\"connections\":{\"NAME\":{…}}}."

  /// Adds or replaces a connection of a caller.
  ///
  /// - Returns: whether it replaced a connection.
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
            "unknown integration; expected one of: \(ids.joined(separator: ", "))",
            at: "integration",
            didYouMean: Suggestion.closest(to: definition.integration, among: ids)),
          of: ConnectionDefinition.shape)
      }
      registerSecrets(integration, definition.settings)
      protectFiles(definition)
      if !fromFile { try refuseReferences(definition) }
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

  /// Secrets are redacted as soon as they are known, even if their connection is invalid.
  private func registerSecrets(_ integration: RegisteredIntegration, _ settings: JSON) {
    for name in integration.settingsShape.secretNames {
      if let secret = settings[name]?.string { environment.secrets.add(secret) }
    }
  }

  /// Prevents callers from reading files that contain secrets.
  private func protectFiles(_ definition: ConnectionDefinition) {
    if let key = definition.tls?.clientKey { environment.files.protect(key) }
    if case .file(let path) = definition.tls?.clientKeyPassword { environment.files.protect(path) }
    for setting in definition.settings.members {
      if let path = setting.value["$file"]?.string { environment.files.protect(path) }
    }
  }

  /// A caller must not make the host read files and variables or run programs.
  private func refuseReferences(_ definition: ConnectionDefinition) throws(ParameterProblems) {
    for member in definition.settings.members
    where member.value.members.contains(where: { $0.name.string?.hasPrefix("$") == true }) {
      throw Self.referenceProblem(member.name.string).inside("settings")
    }
    switch definition.tls?.clientKeyPassword {
    case nil, .literal: break
    case .environment, .file, .command:
      throw Self.referenceProblem("client_key_password").inside("tls")
    }
  }

  private static func referenceProblem(_ setting: String?) -> ParameterProblems {
    ParameterProblems(
      ParameterProblem(
        "references are allowed only in a connections file; pass the value itself", at: setting),
      of: ConnectionDefinition.shape)
  }

  /// A limit for an unknown command would silently have no effect.
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
          "matches no command and no rate-limit bucket of \(integration.id)", at: name,
          didYouMean: Suggestion.closest(to: name, among: known)),
        of: ConnectionDefinition.shape
      ).inside("rate_limits")
    }
  }

  /// A misspelt pattern in a policy would silently have no effect.
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

  /// The connection of an invocation.
  func find(
    _ reference: ConnectionReference, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
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
  ) throws(ConnectionProblem) -> OpenConnection {
    guard let found else {
      let names = entries.map(\.name)
      throw .parameter(
        "/connection",
        names.isEmpty
          ? "unknown connection; no connections are configured"
          : "unknown connection; expected one of: \(names.joined(separator: ", "))",
        Suggestion.closest(to: name, among: names))
    }
    return try usable(found, for: integration)
  }

  private func usable(
    _ open: OpenConnection, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    let definition = open.connection.definition
    guard definition.integration == integration.id else {
      throw .parameter(
        "/connection", "belongs to \(definition.integration), not to \(integration.id)", nil)
    }
    guard definition.isActive else {
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
        is required; no active connection of \(integration.id) is configured (use \
        --connections FILE, SALLYPORT_CONNECTIONS or --sandbox)
        """, nil)
    }
    guard fitting.count == 1 else {
      throw .parameter(
        "/connection",
        "is required; expected one of: \(fitting.map(\.name).joined(separator: ", "))", nil)
    }
    return only.open
  }

  private func inline(
    _ json: JSON, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
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
    self.message = message
    self.remedy = remedy
  }
}
