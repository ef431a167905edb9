import Basics
import Crypto
import IntegrationKit
import JSON

/// The integrations of this host and their description for `capabilities`.
package final class Catalogue: Sendable {
  package enum Detail: String, ParameterChoice {
    /// All members, including schemas.
    case full
    /// Ids, titles, descriptions and effects.
    case summary
  }

  /// Those of the executable.
  private let builtIn: [RegisteredIntegration]
  private let names: JSONNames
  private let source: (any IntegrationSource)?
  /// One for each integration and command at most, per level of detail.
  private let kept = KeptResults()
  private let lazyHash: LazyValue<String>

  /// - Parameters:
  ///   - hash: the precomputed hash of `integrations`, because computing it takes longer than everything
  ///     else before the first response; nil to compute it on first use.
  ///   - source: further integrations, which change the hash.
  package init(
    _ integrations: [RegisteredIntegration], hash: String?,
    and source: (any IntegrationSource)? = nil
  ) {
    builtIn = integrations
    self.source = source
    names = JSONNames(integrations.map(\.id))
    lazyHash = LazyValue {
      source?.loadAll()
      let added = source?.known ?? []
      guard let hash, added.isEmpty else { return Self.hash(of: integrations + added) }
      return hash
    }
  }

  /// The integrations that are known. After `loadAll`, these are all.
  package var integrations: [RegisteredIntegration] { builtIn + (source?.known ?? []) }

  /// Whether there may be integrations that are not part of the executable.
  package var hasAdded: Bool { source != nil }

  /// Differs after every change of `integrations`.
  package var version: UInt64 { source?.version ?? 0 }

  /// Whether `loadAll` returns at once.
  package var isComplete: Bool { source?.isComplete ?? true }

  /// Whether an integration is one of the executable.
  package func isBuiltIn(_ id: String) -> Bool { builtIn.contains { $0.id == id } }

  /// Calls `body` when more integrations are known, from any thread.
  package func reportChanges(_ body: @escaping @Sendable () -> Void) {
    source?.reportChanges(body)
  }

  /// Blocks while plugins must be started to be known.
  package func loadAll() { source?.loadAll() }

  /// `sha256:` and the digest of the text of `integrations` in the full catalogue, so that a caller can
  /// cache it. Empty if libcrypto is not installed.
  package var hash: String { lazyHash.value }

  private static func hash(of integrations: [RegisteredIntegration]) -> String {
    let text = JSONFragment { writer in
      writer.array { writer in for integration in integrations { write(integration, to: &writer) } }
    }
    return (try? Digest.hex(.sha256, text.bytes)).map { "sha256:\($0)" } ?? ""
  }

  // MARK: Finding

  package func integration(_ id: JSON?) -> RegisteredIntegration? { id.flatMap { integration($0) } }

  package func integration(_ id: JSON) -> RegisteredIntegration? {
    if let position = names.position(of: id) { return builtIn[position] }
    guard source != nil, let id = id.string else { return nil }
    return added(id)
  }

  /// The same for a member of an object.
  package func integration(
    _ member: Int, of object: borrowing JSONSelection
  ) -> RegisteredIntegration? {
    object.position(of: member, in: names).map { integrations[$0] }
  }

  package func integration(_ id: String) -> RegisteredIntegration? {
    builtIn.first { $0.id == id } ?? added(id)
  }

  private func added(_ id: String) -> RegisteredIntegration? {
    guard case .known(let integration) = source?.find(id) else { return nil }
    return integration
  }

  /// Whether an integration is not part of the executable. It may have to be started to be known.
  package func isAdded(_ id: JSON?) -> Bool {
    guard let source, let id = id?.string else { return false }
    return switch source.find(id) {
    case .known, .pending: true
    case .unusable, .unknown: false
    }
  }

  /// Whether an integration must be started to be known.
  package func isPending(_ id: JSON?) -> Bool {
    guard let source, let id = id?.string, case .pending = source.find(id) else { return false }
    return true
  }

  /// Why an integration that is not known cannot be used; nil if there is none with that id.
  package func obstacle(to id: JSON?) -> CommandError? { id?.string.flatMap { obstacle(to: $0) } }

  package func obstacle(to id: String) -> CommandError? {
    guard let source else { return nil }
    return switch source.find(id) {
    case .unusable(let error): error
    case .pending:
      CommandError(
        .unavailable, "The plugin \(id) has not started in time.", isRetryable: true,
        remedy:
          "Run sallyport plugin check, and sallyport plugin lock to start it only when needed.")
    case .known, .unknown: nil
    }
  }

  /// Waits until an integration is known, or cannot be used.
  package func load(_ id: JSON?, until deadline: Deadline) async {
    if let id = id?.string { await source?.load(id, until: deadline) }
  }

  /// Blocks until an integration is known, or cannot be used. Without effect for one of the
  /// executable.
  package func load(_ id: String) {
    if !builtIn.contains(where: { $0.id == id }) { source?.load(id) }
  }

  /// The result of `capabilities`.
  package func capabilities(
    integration: RegisteredIntegration? = nil, command: RegisteredCommand? = nil,
    detail: Detail = .full
  ) -> JSONFragment {
    loadAll()
    let selection = "\(detail.rawValue)/\(integration?.id ?? "")/\(command?.id ?? "")"
    return kept.result(selection, version: version) { writer in
      write(integration: integration, command: command, detail: detail, to: &writer)
    }
  }

  private func write(
    integration: RegisteredIntegration?, command: RegisteredCommand?, detail: Detail,
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("protocol_version", Product.protocolVersion)
      writer.name("host")
      writer.object {
        $0.member("name", Product.name)
        $0.member("version", Product.version)
      }
      writer.member("hash", hash)
      writer.name("integrations")
      writer.array { writer in
        for candidate in integrations where integration == nil || candidate === integration {
          Self.write(candidate, only: command, detail: detail, to: &writer)
        }
      }
    }
  }

  package static func write(
    _ integration: RegisteredIntegration, only command: RegisteredCommand? = nil,
    detail: Detail = .full, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("id", integration.id)
      writer.member("title", "\(integration.metadata.title)")
      writer.member("description", "\(integration.metadata.description)")
      writer.member("category", "\(integration.metadata.category)")
      if detail == .full {
        writer.name("connection")
        writer.object { writer in
          writer.name("schema")
          integration.settingsShape.writeSchema(to: &writer)
        }
      }
      writer.name("commands")
      writer.array { writer in
        for candidate in integration.commands where command == nil || candidate === command {
          write(candidate, detail, to: &writer)
        }
      }
    }
  }

  private static func write(
    _ command: RegisteredCommand, _ detail: Detail, to writer: inout JSONWriter
  ) {
    let metadata = command.metadata
    writer.object { writer in
      writer.member("id", command.id)
      writer.member("title", "\(metadata.title)")
      writer.member("description", "\(metadata.description)")
      if detail == .full {
        writer.name("parameters")
        command.shape.writeSchema(to: &writer)
        writer.name("result")
        metadata.result().writeSchema(to: &writer)
        writer.member(ifPresent: "items_path", metadata.items?.text)
        if let events = metadata.events?() {
          writer.name("events")
          events.write(to: &writer)
        }
      }
      writer.member("effect", metadata.effect.rawValue)
      guard detail == .full else { return }
      writer.member("sensitive", metadata.isSensitive)
      writer.member("idempotent", metadata.isIdempotent)
      writer.member("partial_success", command.canPartlySucceed)
      writer.member("pages", command.hasPages)
      writer.name("permissions")
      writer.array { for permission in metadata.permissions { $0.string("\(permission)") } }
      if let quota = metadata.rateLimit {
        writer.name("rate_limit")
        writer.object {
          $0.member("requests", quota.limit.requests)
          $0.name("per_seconds")
          $0.double(quota.limit.perSeconds)
          $0.member("bucket", quota.bucket)
        }
      }
      writer.member(ifPresent: "read_back", metadata.readBack.map { "\($0)" })
      writer.member("failure_indicator", command.failure)
      writer.name("error_samples")
      writer.array { writer in
        for sample in metadata.errorSamples() {
          writer.object {
            $0.member("failure_indicator", command.failure)
            $0.member("status_code", sample.statusCode)
            $0.member("message", "\(sample.message)")
          }
        }
      }
    }
  }
}
